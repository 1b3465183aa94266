import Options

/// What every virtio device on the PCI bus can be asked for, beside its id.
let virtioPCIProperties: [PropertyRow<VirtioPCIOptions>] =
    [
        PropertyRow(
            "bus", type: "str", "only pcie.0 (pci.0 is the same)",
            take: { (text, _, _) throws(DialectError) in
                guard text == "pcie.0" || text == "pci.0" else { throw .busNotFound(text) }
            }),
        PropertyRow(
            "addr", type: "str", "Slot and optional function number: 06.0 or 06",
            value: { $0.slot.map { .text($0.text) } },
            take: { (text, options, context) throws(DialectError) in
                options.slot = try parseSlot(text, owner: context.owner)
            }),
        .boolean("packed", "The driver may use a packed virtqueue") { $1(&$0.offersPackedRing) },
    ] + fixedProperties

private func parseSlot(_ text: String, owner: String) throws(DialectError) -> PCISlot {
    guard let slot = PCISlot(text) else {
        throw .deviceRefusesValue(
            device: owner, property: "addr", value: text,
            expected: "addr is a slot from 1 to 1f in hexadecimal, with function 0: 5 or 05.0")
    }
    guard slot.function == 0 else {
        throw .unsupportedValue(parameter: "addr", value: text, reason: "functions other than 0")
    }
    return slot
}

private let modernOnly = "the device is modern only (virtio 1.3)"
private let alwaysOffered = "the device always offers this feature"
private let neverOffered = "the device does not offer this feature"
private let noExpress = "the device has no PCI Express capability"
private let noMigration = "the machine does not migrate"
private let noROM = "the device has no expansion ROM"
private let noIOMMU = "there is no IOMMU"

private let fixedProperties: [PropertyRow<VirtioPCIOptions>] = [
    .numbers("acpi-index", [0], "slots have no ACPI index"),
    .off("aer", noExpress),
    .on("any_layout", alwaysOffered),
    .off("ats", noIOMMU),
    .words("disable-legacy", type: "OnOffAuto", ["auto", "on", "off"], possible: ["auto", "on"], modernOnly),
    .off("disable-modern", modernOnly),
    .on("event_idx", alwaysOffered),
    .emptyText("failover_pair_id", noMigration),
    .on("indirect_desc", alwaysOffered),
    .on("ioeventfd", "doorbells are always eventfds"),
    .off("iommu_platform", noIOMMU),
    .on("migrate-extra", noMigration),
    .off("modern-pio-notify", "doorbells are in memory space"),
    .off("multifunction", "a slot holds one function"),
    .on("notify_on_empty", "it is without effect in a modern device"),
    .off("page-per-vq", "there is one queue"),
    .off("queue_reset", neverOffered),
    .numbers("rombar", [1, 0], noROM),
    .emptyText("romfile", noROM),
    .numbers("romsize", [4_294_967_295], noROM),
    .on("use-disabled-flag", noMigration),
    .on("use-started", noMigration),
    .numbers("vectors", [2], "one interrupt for the queue, one for configuration"),
    .off("virtio-pci-bus-master-bug-migration", noMigration),
    .on("x-ats-page-aligned", noIOMMU),
    .off("x-disable-legacy-check", modernOnly),
    .off("x-disable-pcie", noExpress),
    .off("x-ignore-backend-features", neverOffered),
    .on("x-pcie-deverr-init", noExpress),
    .on("x-pcie-extcap-init", noExpress),
    .on("x-pcie-flr-init", noExpress),
    .on("x-pcie-lnkctl-init", noExpress),
    .on("x-pcie-lnksta-dllla", noExpress),
    .on("x-pcie-pm-init", noExpress),
]
