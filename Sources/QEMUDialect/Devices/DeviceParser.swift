/// The model that `device_add` takes.
public let virtioPMemModel = "virtio-pmem-pci"

/// Parses the text after `-device` or `device_add`.
///
/// Whether memdev names an object, and whether the slot is free, depends on the other devices: see ``DeviceInventory``.
/// - Throws: the first thing that is wrong, in the order in which QEMU looks.
public func parseDevice(_ text: String) throws(DialectError) -> ParsedOption<VirtioPMemOptions> {
    let options = try OptionString(text, impliedName: "driver")
    if options.wantsHelp { return .help(try deviceHelp(model: options.last("driver"))) }
    var reader = PropertyReader(options)
    let value = try VirtioPMemOptions(from: &reader)
    return .value(value, warnings: reader.warnings)
}

/// Understands properties that were given one by one.
/// - Throws: the first thing that is wrong, in the order in which QEMU looks.
public func parseDevice(_ properties: [Property]) throws(DialectError) -> VirtioPMemOptions {
    var reader = PropertyReader(OptionString(properties: properties))
    return try VirtioPMemOptions(from: &reader)
}

extension VirtioPMemOptions {
    init(from reader: inout PropertyReader) throws(DialectError) {
        id = try reader.identifier()
        guard let model = reader.text("driver") else {
            throw .missingParameter("driver", advice: "Begin with the model: \(virtioPMemModel),memdev=...")
        }
        try checkModel(model)
        if let bus = reader.text("bus"), bus != "pcie.0", bus != "pci.0" { throw .busNotFound(bus) }
        slot = try Self.takeSlot(from: &reader)
        memoryAddress = try Self.takeInteger("memaddr", from: &reader) ?? 0
        let backend = reader.text("memdev")
        offersPackedRing = try reader.boolean("packed") ?? false
        offersSharedMemoryRegion = try reader.boolean("x-shmem") ?? false
        if offersSharedMemoryRegion, memoryAddress != 0 {
            throw .unsupportedValue(
                parameter: "x-shmem", value: "on", reason: "the guest chooses the address of a BAR; leave memaddr out")
        }
        queueSize = try Self.takeQueueSize(from: &reader)
        let rate = try Self.takeInteger("x-needletail-flush-rate", from: &reader)
        flushLimit = FlushLimitOptions(
            rate: rate ?? 0, burst: try Self.takeInteger("x-needletail-flush-burst", from: &reader))
        for property in fixedVirtioPCIProperties {
            if let value = reader.text(property.name) { try property.check(value) }
        }
        do {
            try reader.finish(accepted: [])
        } catch {
            guard case .invalidParameter(let name, _) = error else { throw error }
            throw .propertyNotFound(device: virtioPMemModel, property: name)
        }
        guard let backend, !backend.isEmpty else { throw .memoryBackendNotNamed }
        memoryBackend = backend
    }

    private static func takeSlot(from reader: inout PropertyReader) throws(DialectError) -> PCISlot? {
        guard let text = reader.text("addr") else { return nil }
        guard let slot = PCISlot(text) else {
            throw .deviceRefusesValue(
                device: virtioPMemModel, property: "addr", value: text,
                expected: "addr is a slot from 1 to 1f in hexadecimal, with function 0: 5 or 05.0")
        }
        guard slot.function == 0 else {
            throw .unsupportedValue(parameter: "addr", value: text, reason: "functions other than 0")
        }
        return slot
    }

    private static func takeQueueSize(from reader: inout PropertyReader) throws(DialectError) -> UInt16 {
        let name = "x-needletail-queue-size"
        guard let number = try takeInteger(name, from: &reader) else { return 128 }
        guard let size = UInt16(exactly: number), (2...1024).contains(size), size & (size - 1) == 0 else {
            throw .deviceRefusesValue(
                device: virtioPMemModel, property: name, value: "\(number)",
                expected: "\(name) is a power of two from 2 to 1024")
        }
        return size
    }

    private static func takeInteger(_ name: String, from reader: inout PropertyReader) throws(DialectError) -> UInt64? {
        guard let text = reader.text(name) else { return nil }
        guard let number = parseUnsigned(text) else { throw .expectsInteger(parameter: name) }
        return number
    }
}

func checkModel(_ model: String) throws(DialectError) {
    switch model {
    case virtioPMemModel: return
    case "nvdimm": throw .nvdimmNotSupported
    case "virtio-pmem": throw .deviceWithoutTransport
    default: throw .unknownDevice(model)
    }
}
