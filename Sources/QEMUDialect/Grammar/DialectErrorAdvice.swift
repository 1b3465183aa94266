import Options

extension DialectError {
    /// What to do about it; nil where the message says it already.
    public var advice: String? {
        valueAdvice ?? objectAdvice ?? deviceAdvice ?? optionAdvice
    }

    private var valueAdvice: String? {
        switch self {
        case .jsonNotAccepted:
            "Write it as type,key=value,...: -object memory-backend-file,id=... or -device virtio-pmem-pci,memdev=..."
        case .flagWithoutValue(let flag): "Write \(flag)=VALUE."
        case .missingParameter(_, let advice): advice
        case .invalidParameter(_, let accepted) where !accepted.isEmpty,
            .valueNotAccepted(_, _, let accepted) where !accepted.isEmpty:
            "Possible are: " + accepted.joined(separator: ", ")
        case .expectsIdentifier:
            "Identifiers consist of letters, digits, '-', '.', '_', starting with a letter."
        case .expectsSize:
            "A size is a number below 2^64 of bytes, or one with a suffix K, M, G, T, P or E: 512M, 1.5G, 0x400000."
        case .expectsMemorySize, .memorySizeOutOfRange:
            "Optional suffix k, M, G, T, P or E means kilo-, mega-, giga-, tera-, peta-\nand exabytes, respectively."
        default: nil
        }
    }

    private var objectAdvice: String? {
        switch self {
        case .propertyRefusesValue(let property, _, "0") where property == "size":
            "Give the number of bytes that the guest shall see, for example size=4G."
        case .duplicateIdentifier(let id, let kind): "Every \(kind) needs an id of its own; '\(id)' is given twice."
        case .readOnlyMemoryOverWritableFile: "Add readonly=on."
        case .writableMemoryOverSharedReadOnlyFile: "Leave rom out, or use share=off for private writable memory."
        default: nil
        }
    }

    private var deviceAdvice: String? {
        switch self {
        case .unknownDevice: "The devices here are: " + deviceModels.map(\.name).joined(separator: ", ")
        case .nvdimmNotSupported:
            "Use -device virtio-pmem-pci,memdev=ID instead: persistent memory on an ordinary file."
        case .deviceWithoutTransport(_, let model): "Use -device \(model) instead."
        case .propertyNotFound(let device, _) where deviceModels.contains { $0.name == device }:
            "-device \(device),help lists the properties."
        case .deviceRefusesValue(_, _, _, let expected): expected
        case .propertyNotSet(_, let advice): advice
        case .linkedObjectNotFound(let reference):
            "\(reference.property) names no \(reference.interface) object; give one: -object \(reference.example)"
        case .linkedObjectDoesNotFit(let reference):
            "'\(reference.id)' is no \(reference.interface) object; \(reference.property) takes the id of one."
        case .linkedObjectBusy(let reference, let holder):
            "'\(reference.id)' belongs to \(holder). Give each device a \(reference.interface) object of its own."
        case .noSlotFree: "Bus 0 has slots 1 to 31 for devices; take one away first."
        case .busNotFound: "There is one PCI bus: pcie.0 (pci.0 is the same). Leave bus out."
        case .slotTaken: "Choose another addr, or leave it out."
        default: nil
        }
    }

    private var optionAdvice: String? {
        switch self {
        case .slotsWithoutMaximum:
            "Add maxmem=SIZE, or leave slots out: memory cannot be hot-plugged, pmem needs neither."
        case .maximumBelowSize, .slotsButNoRoom, .tooManySlots:
            "slots and maxmem are checked and otherwise without effect: leave both out."
        case .topologyParameterUnexpected: "Possible are: cpus, sockets, dies, cores, threads, maxcpus"
        case .processorHotplugNotSupported: "Leave maxcpus out."
        case .invalidOption, .optionNotSupported: "needletail -help lists the options."
        case .diskImageNotSupported: "Give the image to -object memory-backend-file and -device virtio-pmem-pci."
        case .unsupportedMachine:
            "There is one machine type here: \(machineTypeName). Leave -machine out, or use -machine \(machineTypeName)."
        case .invalidAccelerator, .acceleratorNotSupported: "The accelerator is always kvm. Leave the option out."
        case .unknownProcessorModel, .processorFeatureNotSupported:
            "The guest's CPUs are the host's: use -cpu host, or leave the option out."
        case .unknownSerialBackend: "Possible are: stdio, file:PATH, unix:PATH[,server=on][,wait=off], null, none"
        case .unknownMonitorBackend:
            "Possible are: stdio, unix:PATH[,server=on][,wait=off], tcp:HOST:PORT[,server=on][,wait=off], none"
        case .socketAddressMalformed: "Write tcp:HOST:PORT, with a port from 0 to 65535; an IPv6 address in brackets."
        case .standardStreamsTaken:
            "Give stdio to one of -serial, -monitor and -qmp; -serial mon:stdio shares it between console and monitor."
        case .serialBackendWithoutPath(let kind): "Write \(kind):PATH."
        case .waitWithoutServer: "Add server=on, or leave wait out."
        case .tooManySerialPorts: "Give -serial once."
        case .nothingToServe:
            "Add -device virtio-pmem-pci,memdev=ID and its -object; needletail serve -help lists the options."
        case .onlyWithKernel, .kernelMissing: "Add -kernel FILE: a Linux bzImage, or an ELF file with a PVH note."
        default: nil
        }
    }
}

extension ObjectReference {
    /// The text after `-object` or `object_add` of an object that would do.
    var example: String {
        guard let type = objectTypes.first(where: { $0.interface == interface }) else { return "" }
        return "\(type.name),id=\(id)\(type.example)"
    }
}
