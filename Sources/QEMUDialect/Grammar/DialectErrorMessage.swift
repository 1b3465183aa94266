extension DialectError {
    /// What is wrong, in QEMU's words where QEMU has them; one line or more.
    public var message: String {
        grammarMessage ?? objectMessage ?? deviceMessage ?? memoryMessage ?? processorMessage ?? optionMessage
    }

    private var grammarMessage: String? {
        switch self {
        case .jsonNotAccepted: "JSON is not accepted here"
        case .flagWithoutValue(let flag): "Expected '=' after parameter '\(flag)'"
        case .missingParameter(let name, _): "Parameter '\(name)' is missing"
        case .invalidParameter(let name, _): "Invalid parameter '\(name)'"
        case .expectsIdentifier(let name, _): "Parameter '\(name)' expects an identifier"
        case .expectsSize(let name): "Parameter '\(name)' expects a size value"
        case .expectsBoolean(let name): "Parameter '\(name)' expects 'on' or 'off'"
        case .expectsUnsigned(let name): "Parameter '\(name)' expects a uint64 value"
        case .expectsInteger(let name): "Parameter '\(name)' expects integer"
        case .expectsIntegerOfWidth(let name, let width): "Parameter '\(name)' expects uint\(width)_t"
        case .expectsPositive(let name): "'\(name)' parameter expects a positive integer"
        case .expectsNumber(let name): "Parameter '\(name)' expects a number"
        case .valueNotAccepted(let name, let value, _): "Parameter '\(name)' does not accept value '\(value)'"
        case .unsupportedValue(let name, let value, let reason): "\(name)=\(value): not supported: \(reason)"
        default: nil
        }
    }

    private var objectMessage: String? {
        switch self {
        case .propertyRefusesValue(let property, let type, let value):
            "property '\(property)' of \(type) doesn't take value '\(value)'"
        case .duplicateIdentifier(let id, let kind): "Duplicate ID '\(id)' for \(kind)"
        case .objectNotFound(let id): "object '\(id)' not found"
        case .objectInUse(let id, _): "object '\(id)' is in use, can not be deleted"
        case .readOnlyMemoryOverWritableFile: "property 'rom' = 'on' is not supported with 'readonly' = 'off'"
        case .writableMemoryOverSharedReadOnlyFile:
            "property 'rom' = 'off' is incompatible with 'readonly' = 'on' and 'share' = 'on'"
        default: nil
        }
    }

    private var deviceMessage: String? {
        switch self {
        case .unknownDevice(let model): "'\(model)' is not a valid device model name"
        case .nvdimmNotSupported: "nvdimm is not supported"
        case .deviceWithoutTransport(let name, _): "No 'virtio-bus' bus found for device '\(name)'"
        case .propertyNotFound(let device, let property): "Property '\(device).\(property)' not found"
        case .deviceRefusesValue(let device, let property, let value, _):
            "Property '\(device).\(property)' doesn't take value '\(value)'"
        case .propertyNotSet(let property, _): "'\(property)' property must be set"
        case .linkedObjectNotFound(let reference): "Device '\(reference.id)' not found"
        case .linkedObjectDoesNotFit(let reference):
            "Invalid parameter type for '\(reference.property)', expected: \(reference.interface)"
        case .linkedObjectBusy(let reference, _): "can't use already busy \(reference.property): \(reference.id)"
        case .randomLimitOutOfRange: "'max-bytes' parameter must be non-negative, and less than 2^63"
        case .modelNotImplemented(let model): "\(model): not supported here"
        case .objectTypeNotImplemented(let type): "\(type): not supported here"
        case .deviceNotFound(let id): "Device '\(id)' not found"
        case .unplugPending(let id): "Device \(id) is already in the process of unplug"
        case .noSlotFree(let model): "PCI: no slot/function available for \(model), all in use or reserved"
        case .busNotFound(let bus): "Bus '\(bus)' not found"
        case .slotTaken(let slot, let model, let holder):
            "PCI: slot \(slot.device) function \(slot.function) not available for \(model), in use by \(holder)"
        default: nil
        }
    }

    private var memoryMessage: String? {
        switch self {
        case .expectsMemorySize: "Parameter 'size' expects a non-negative number below 2^64"
        case .memorySizeOutOfRange(let text): "Value '\(text)' is out of range for parameter 'size'"
        case .slotsWithoutMaximum: "slots specified but no max-size"
        case .maximumBelowSize(let maximum, let size):
            "invalid value of maxmem: maximum memory size (\(hexadecimal(maximum))) "
                + "must be at least the initial memory size (\(hexadecimal(size)))"
        case .slotsButNoRoom(let size):
            "invalid value of maxmem: memory slots were specified but maximum memory size "
                + "(\(hexadecimal(size))) is equal to the initial memory size (\(hexadecimal(size)))"
        case .tooManySlots(let count): "unsupported amount of memory slots: \(count)"
        default: nil
        }
    }

    private var processorMessage: String? {
        switch self {
        case .topologyParameterUnexpected(let name): "Parameter 'smp.\(name)' is unexpected"
        case .topologyParameterZero: "Invalid CPU topology: CPU topology parameters must be greater than zero"
        case .topologyMismatch(let topology, let maximum):
            "Invalid CPU topology: product of the hierarchy must match maxcpus: "
                + "\(topology.product) != maxcpus (\(maximum))"
        case .maximumBelowProcessors(let maximum, let processors):
            "Invalid CPU topology: maxcpus must be equal to or greater than smp: "
                + "maxcpus (\(maximum)) < smp_cpus (\(processors))"
        case .processorHotplugNotSupported(let processors, let maximum):
            "maxcpus=\(maximum) with \(processors) CPUs: not supported: CPUs cannot be hot-plugged"
        case .tooManyProcessors(let count):
            "Invalid SMP CPUs \(count). The max CPUs supported by machine '\(machineTypeName)' is "
                + "\(ProcessorTopology.maximumProcessors)"
        case .unknownProcessorModel(let model): "unable to find CPU model '\(model)'"
        case .processorFeatureNotSupported(let feature): "CPU property '\(feature)': not supported"
        default: nil
        }
    }

    private var optionMessage: String {
        switch self {
        case .invalidOption: "invalid option"
        case .optionRequiresArgument: "requires an argument"
        case .optionNotSupported(let reason): "not supported: \(reason)"
        case .diskImageNotSupported: "not supported: there are no disk drives"
        case .unsupportedMachine: "unsupported machine type"
        case .invalidAccelerator(let name): "invalid accelerator \(name)"
        case .acceleratorNotSupported(let name): "accelerator \(name): not supported"
        case .socketAddressMalformed(let address): "address '\(address)' is not HOST:PORT"
        case .standardStreamsTaken: "cannot use stdio by multiple character devices"
        case .unknownSerialBackend(let name), .unknownMonitorBackend(let name): "'\(name)' is not a valid char driver"
        case .serialBackendWithoutPath(let kind): "\(kind): has no path"
        case .waitWithoutServer: "'wait' option is incompatible with socket in client connect mode"
        case .tooManySerialPorts: "not supported: a second serial port"
        case .onlyWithKernel(let option): "\(option) only allowed with -kernel option"
        case .kernelMissing: "no kernel to boot"
        case .nothingToServe: "serve: no device"
        default: ""
        }
    }
}

func hexadecimal(_ value: UInt64) -> String {
    "0x" + String(value, radix: 16)
}
