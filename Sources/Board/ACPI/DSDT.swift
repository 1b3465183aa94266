/// The devices that no bus can enumerate, and what the board does on request (ACPI 6.5, section 5.2.11.1).
enum DSDT {
    static func table(_ configuration: ACPIConfiguration) -> SystemDescriptionTable {
        var terms: [AML] = [softOff]
        terms.append(
            .scope(
                "\\_SB",
                [systemResources, serialPort, powerButton] + processors(count: configuration.apicIdentifiers.count)
                    + [PCIHostBridge.device(configuration), EventDevice.device(configuration)]))
        // Revision 2: integers of 64 bits.
        return SystemDescriptionTable(signature: "DSDT", revision: 2, body: AML(terms).bytes)
    }

    /// `\_S5`: the sleep type that switches off (section 7.4.2).
    private static let softOff = AML.define(
        "\\_S5_", .package([.integer(UInt64(PowerRegisters.softOff)), .integer(0), .integer(0), .integer(0)]))

    /// Addresses of the board that no other device may be given, PCI configuration space among them: a guest believes
    /// MCFG only if they are reserved here (PCI Firmware 3.3, section 4.1.2).
    private static let systemResources = AML.device(
        "MRES",
        [
            .define("_HID", .eisaIdentifier("PNP0C02")), .define("_UID", .integer(0)),
            .define(
                "_CRS",
                Resource.template([.memory(BoardLayout.configurationSpace), .memory(BoardLayout.boardRegisters)])),
        ])

    private static let serialPort = AML.device(
        "COM1",
        [
            .define("_HID", .eisaIdentifier("PNP0501")), .define("_UID", .integer(0)),
            .define(
                "_CRS",
                Resource.template([
                    .ports(
                        first: BoardLayout.Port.serialPort.lowerBound,
                        count: UInt8(truncatingIfNeeded: BoardLayout.Port.serialPort.count)),
                    .interrupt(BoardLayout.Interrupt.serialPort),
                ])),
        ])

    private static let powerButton = AML.device("PWRB", [.define("_HID", .eisaIdentifier("PNP0C0C"))])

    /// Section 8.4; the UID is the one in the MADT.
    private static func processors(count: Int) -> [AML] {
        (0..<count).map { index in
            .device(
                "C" + digits(index, 3),
                [.define("_HID", .string("ACPI0007")), .define("_UID", .integer(UInt64(index)))])
        }
    }

    /// Hexadecimal digits in capitals, as names have them.
    static func digits(_ value: Int, _ count: Int) -> String {
        let text = String(value, radix: 16, uppercase: true)
        return String(repeating: "0", count: max(count - text.utf8.count, 0)) + text
    }
}
