/// Processors and interrupt controllers (ACPI 6.5, section 5.2.12).
enum MADT {
    /// There is a pair of 8259s as well, to be masked.
    private static let hasLegacyControllers: UInt32 = 1
    private static let ioAPICIdentifier: UInt8 = 0

    /// - Parameter apicIdentifiers: one for each processor, in order; its position is the processor's UID.
    static func table(apicIdentifiers: [UInt32]) -> SystemDescriptionTable {
        var body: [UInt8] = []
        body.append(littleEndian: UInt32(truncatingIfNeeded: BoardLayout.localAPIC.start.rawValue))
        body.append(littleEndian: hasLegacyControllers)
        for (uid, apic) in apicIdentifiers.enumerated() {
            body += processor(uid: UInt32(truncatingIfNeeded: uid), apic: apic)
        }
        body += ioAPIC
        // ISA interrupts are as the specification assumes: line n is interrupt n, edge triggered, active high. The one
        // exception of a PC, the timer on line 2, is only there where there is a timer.
        body += localInterrupt
        return SystemDescriptionTable(signature: "APIC", revision: 5, body: body)
    }

    private static func processor(uid: UInt32, apic: UInt32) -> [UInt8] {
        let enabled: UInt32 = 1
        var bytes: [UInt8]
        if let narrow = UInt8(exactly: apic), narrow < 255, let uid = UInt8(exactly: uid) {
            bytes = [0, 8, uid, narrow]  // section 5.2.12.2
            bytes.append(littleEndian: enabled)
        } else {
            bytes = [9, 16, 0, 0]  // section 5.2.12.12
            for value in [apic, enabled, uid] { bytes.append(littleEndian: value) }
        }
        return bytes
    }

    /// Section 5.2.12.3.
    private static var ioAPIC: [UInt8] {
        var bytes: [UInt8] = [1, 12, ioAPICIdentifier, 0]
        bytes.append(littleEndian: UInt32(truncatingIfNeeded: BoardLayout.ioAPIC.start.rawValue))
        bytes.append(littleEndian: UInt32(0))
        return bytes
    }

    /// The non-maskable interrupt is line 1 of every local APIC (section 5.2.12.7).
    private static let localInterrupt: [UInt8] = [4, 6, 0xFF, 0, 0, 1]
}
