/// The generic event device: an interrupt, and the method that finds out what it means (ACPI 6.5, section 5.6.9).
enum EventDevice {
    static func device(_ configuration: ACPIConfiguration) -> AML {
        let pending = AML.local(0)
        var dispatch: [AML] = [
            .store(.name("EVST"), in: pending),
            .if(.and(pending, bit(.powerButton)), [.notify("\\_SB.PWRB", .integer(0x80))]),
        ]
        if configuration.hotPlug != nil {
            dispatch.append(.if(.and(pending, bit(.pciHotPlug)), [.call("\\_SB.PCI0.SCAN")]))
        }
        return .device(
            "GED",
            [
                .define("_HID", .string("ACPI0013")), .define("_UID", .integer(0)),
                .define("_CRS", Resource.template([.interrupt(BoardLayout.Interrupt.events)])),
                .memoryRegion("EVRG", at: BoardLayout.eventRegisters.start.rawValue, byteCount: 4),
                .registers32(of: "EVRG", ["EVST"]),
                .method("_EVT", arguments: 1, isSerialized: true, dispatch),
            ])
    }

    private static func bit(_ event: EventRegisters.Event) -> AML { .integer(UInt64(event.rawValue)) }
}
