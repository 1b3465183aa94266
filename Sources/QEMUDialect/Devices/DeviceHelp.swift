/// The answer to `-device help` (nil or `help` as the model) and `-device MODEL,help`.
func deviceHelp(model: String?) throws(DialectError) -> String {
    guard let model, !isHelpRequest(model) else {
        return """
            Storage devices:
            name "\(virtioPMemModel)", bus PCI, desc "Persistent memory on an ordinary file"

            """
    }
    try checkModel(model)
    return "\(model) options:\n" + deviceProperties.map(helpLine).joined()
}

/// The properties of virtio-pmem-pci, by name.
public var deviceProperties: [PropertyDescription] {
    (virtioPMemProperties + fixedVirtioPCIProperties.map(\.description)).sorted { $0.name < $1.name }
}

private let virtioPMemProperties = [
    PropertyDescription(name: "addr", type: "str", meaning: "Slot and optional function number: 06.0 or 06"),
    PropertyDescription(name: "bus", type: "str", meaning: "only pcie.0 (pci.0 is the same)"),
    PropertyDescription(name: "id", type: "str", meaning: "Name of the device"),
    PropertyDescription(name: "memaddr", type: "uint64", meaning: "Guest-physical address (default: 0, to choose one)"),
    PropertyDescription(name: "memdev", type: "link<memory-backend>", meaning: "The memory-backend object (required)"),
    PropertyDescription(name: "packed", type: "bool", meaning: "The driver may use a packed virtqueue (default: off)"),
    PropertyDescription(
        name: "x-needletail-flush-burst", type: "uint64", meaning: "Syncs at once after a pause (default: the rate)"),
    PropertyDescription(
        name: "x-needletail-flush-rate", type: "uint64", meaning: "Syncs per second (default: 0, no limit)"),
    PropertyDescription(
        name: "x-needletail-queue-size", type: "uint16", meaning: "Largest queue, 2 to 1024 descriptors (default: 128)"),
    PropertyDescription(
        name: "x-shmem", type: "bool",
        meaning:
            "The memory is a PCI BAR, as virtio's shared memory region; Linux before 6.8 finds it, too (default: off)"),
]
