/// A property of QEMU's virtio-pmem-pci that has one possible value here: that value is accepted, so that copied lines
/// work, and any other is refused by name.
struct FixedProperty {
    /// What QEMU's parser expects of the value.
    enum Kind {
        case boolean(Bool)
        case onOffAuto(refused: String)
        case integer(Set<UInt64>)
        case emptyText
    }

    let name: String
    let kind: Kind
    let reason: String

    func check(_ value: String) throws(DialectError) {
        switch kind {
        case .boolean(let only):
            guard let boolean = parseBoolean(value) else { throw .expectsBoolean(parameter: name) }
            if boolean != only { throw refusal(of: value) }
        case .onOffAuto(let refused):
            let accepted = ["auto", "on", "off"]
            guard accepted.contains(value) else {
                throw .valueNotAccepted(parameter: name, value: value, accepted: accepted)
            }
            if value == refused { throw refusal(of: value) }
        case .integer(let possible):
            guard let number = parseUnsigned(value) else { throw .expectsInteger(parameter: name) }
            if !possible.contains(number) { throw refusal(of: value) }
        case .emptyText:
            if !value.isEmpty { throw refusal(of: value) }
        }
    }

    private func refusal(of value: String) -> DialectError {
        .unsupportedValue(parameter: name, value: value, reason: reason)
    }

    var description: PropertyDescription {
        switch kind {
        case .boolean(let only):
            PropertyDescription(name: name, type: "bool", meaning: "only \(only ? "on" : "off"): \(reason)")
        case .onOffAuto(let refused):
            PropertyDescription(name: name, type: "OnOffAuto", meaning: "not \(refused): \(reason)")
        case .integer(let possible):
            PropertyDescription(
                name: name, type: "uint32",
                meaning: "only \(possible.sorted().map { String($0) }.joined(separator: " or ")): \(reason)")
        case .emptyText:
            PropertyDescription(name: name, type: "str", meaning: "only empty: \(reason)")
        }
    }

    static func on(_ name: String, _ reason: String) -> FixedProperty {
        FixedProperty(name: name, kind: .boolean(true), reason: reason)
    }

    static func off(_ name: String, _ reason: String) -> FixedProperty {
        FixedProperty(name: name, kind: .boolean(false), reason: reason)
    }
}

private let modernOnly = "the device is modern only (virtio 1.3, 5.19)"
private let alwaysOffered = "the device always offers this feature"
private let neverOffered = "the device does not offer this feature"
private let noExpress = "the device has no PCI Express capability"
private let noMigration = "the machine does not migrate"
private let noROM = "the device has no expansion ROM"

let fixedVirtioPCIProperties: [FixedProperty] = [
    FixedProperty(name: "acpi-index", kind: .integer([0]), reason: "slots have no ACPI index"),
    .off("aer", noExpress),
    .on("any_layout", alwaysOffered),
    .off("ats", "there is no IOMMU"),
    FixedProperty(name: "disable-legacy", kind: .onOffAuto(refused: "off"), reason: modernOnly),
    .off("disable-modern", modernOnly),
    .on("event_idx", alwaysOffered),
    FixedProperty(name: "failover_pair_id", kind: .emptyText, reason: noMigration),
    .on("indirect_desc", alwaysOffered),
    .on("ioeventfd", "doorbells are always eventfds"),
    .off("iommu_platform", "there is no IOMMU"),
    .on("migrate-extra", noMigration),
    .off("modern-pio-notify", "doorbells are in memory space"),
    .off("multifunction", "a slot holds one function"),
    .on("notify_on_empty", "it is without effect in a modern device"),
    .off("page-per-vq", "there is one queue"),
    .off("queue_reset", neverOffered),
    FixedProperty(name: "rombar", kind: .integer([0, 1]), reason: noROM),
    FixedProperty(name: "romfile", kind: .emptyText, reason: noROM),
    FixedProperty(name: "romsize", kind: .integer([4_294_967_295]), reason: noROM),
    .on("use-disabled-flag", noMigration),
    .on("use-started", noMigration),
    FixedProperty(name: "vectors", kind: .integer([2]), reason: "one interrupt for the queue, one for configuration"),
    .off("virtio-pci-bus-master-bug-migration", noMigration),
    .on("x-ats-page-aligned", "there is no IOMMU"),
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
