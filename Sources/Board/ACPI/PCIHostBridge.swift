/// The PCI host bridge (ACPI 6.5, section 6; PCI Firmware 3.3, section 4).
enum PCIHostBridge {
    static func device(_ configuration: ACPIConfiguration) -> AML {
        var terms: [AML] = [
            .define("_HID", .eisaIdentifier("PNP0A08")), .define("_CID", .eisaIdentifier("PNP0A03")),
            .define("_UID", .integer(0)), .define("_SEG", .integer(0)), .define("_BBN", .integer(0)),
            .define("_CRS", Resource.template(windows(configuration))),
            capabilities,
        ]
        if let hotPlug = configuration.hotPlug { terms += PCISlots.terms(hotPlug) }
        return .device("PCI0", terms)
    }

    /// The device memory window is none of these: it belongs to the drivers of persistent memory.
    private static func windows(_ configuration: ACPIConfiguration) -> [Resource] {
        let fixed: [Resource] = [
            .buses(0...BoardLayout.lastBus), .ports(first: 0xCF8, count: 8), .window(BoardLayout.pciWindow32),
        ]
        return fixed + (configuration.board.pciWindow64.map { [.window($0)] } ?? [])
    }

    /// `_OSC` (section 6.2.11.3): the guest may have the capability structures and nothing else. Native hot-plug in
    /// particular stays here, since slots are plugged through ACPI.
    private static let capabilities: AML = {
        let (status, control) = (AML.name("CDW1"), AML.name("CDW3"))
        let (granted, allowed) = (AML.local(0), AML.integer(1 << 4))
        let (unknownUUID, unknownRevision, masked) = (AML.integer(1 << 2), AML.integer(1 << 3), AML.integer(1 << 4))
        let answer: [AML] = [
            .doubleWordField("CDW3", of: .argument(3), at: 8),
            .store(.and(control, allowed), in: granted),
            .if(.not(.equal(.argument(1), .integer(1))), [.store(.or(status, unknownRevision), in: status)]),
            .if(.not(.equal(granted, control)), [.store(.or(status, masked), in: status)]),
            .store(granted, in: control),
        ]
        return .method(
            "_OSC", arguments: 4, isSerialized: true,
            [
                .doubleWordField("CDW1", of: .argument(3), at: 0),
                .if(
                    .equal(.argument(0), .uuid("33DB4D5B-1FF7-401C-9657-7441C03DD766")), answer,
                    else: [.store(.or(status, unknownUUID), in: status)]),
                .return(.argument(3)),
            ])
    }()
}
