import PCI

/// The hot-plug slots of bus 0: what the guest is told when one fills or is to be emptied, and how it ejects
/// (ACPI 6.5, section 6.3). The registers are `HotPlugSlots`: 32 bits each, a bit for each slot.
enum PCISlots {
    private static let deviceCheck = AML.integer(1)
    private static let ejectRequest = AML.integer(3)
    /// Present, enabled, shown and working (section 6.3.7).
    private static let isThere = AML.integer(0xF)

    /// The registers' names, in order of their offsets.
    static let registers: [(HotPlugSlots.Register, String)] = [
        (.up, "SLUP"), (.down, "SLDN"), (.eject, "SLEJ"), (.present, "SLPR"), (.outcome, "SLOC"),
    ]

    static func terms(_ hotPlug: ACPIConfiguration.HotPlug) -> [AML] {
        [
            .memoryRegion("SLRG", at: hotPlug.registers.rawValue, byteCount: UInt64(HotPlugSlots.byteCount)),
            .registers32(of: "SLRG", registers.map(\.1)),
        ] + hotPlug.slots.map(slot) + [scan(hotPlug)]
    }

    private static func name(_ slot: Int) -> String { "S" + DSDT.digits(slot, 2) }

    private static func bit(_ slot: Int) -> AML { .integer(1 << UInt64(slot)) }

    private static func slot(_ number: Int) -> AML {
        .device(
            name(number),
            [
                .define("_ADR", .integer(UInt64(number) << 16)),
                .define("_SUN", .integer(UInt64(number))),
                .method("_STA", [.if(.and(.name("SLPR"), bit(number)), [.return(isThere)]), .return(.integer(0))]),
                .method("_EJ0", arguments: 1, [.store(bit(number), in: .name("SLEJ"))]),
                .method("_OST", arguments: 3, [.store(outcome(number), in: .name("SLOC"))]),
            ])
    }

    /// What `_OST` is called with, in one word (section 6.3.5).
    private static func outcome(_ slot: Int) -> AML {
        let event = AML.shiftLeft(.and(.argument(0), .integer(0x7FF)), by: .integer(16))
        return .or(.or(.and(.argument(1), .integer(0xFFFF)), event), .integer(UInt64(slot) << 27))
    }

    /// Takes what both registers say (a load clears them), and passes it on.
    private static func scan(_ hotPlug: ACPIConfiguration.HotPlug) -> AML {
        let (up, down) = (AML.local(0), AML.local(1))
        let taken: [AML] = [.store(.name("SLUP"), in: up), .store(.name("SLDN"), in: down)]
        let notices = hotPlug.slots.flatMap { number -> [AML] in
            [
                .if(.and(up, bit(number)), [.notify(name(number), deviceCheck)]),
                .if(.and(down, bit(number)), [.notify(name(number), ejectRequest)]),
            ]
        }
        return .method("SCAN", isSerialized: true, taken + notices)
    }
}
