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
        case .unknownDevice: "The devices here are: virtio-pmem-pci"
        case .nvdimmNotSupported, .deviceWithoutTransport:
            "Use -device virtio-pmem-pci,memdev=ID instead: persistent memory on an ordinary file."
        case .propertyNotFound(let device, _) where device == virtioPMemModel:
            "-device \(device),help lists the properties."
        case .deviceRefusesValue(_, _, _, let expected): expected
        case .memoryBackendNotNamed: "Add memdev=ID, where ID is the id of a memory-backend object."
        case .memoryBackendNotFound(let id):
            "memdev names no memory-backend object; give one: -object memory-backend-file,id=\(id),share=on,mem-path=FILE,size=SIZE"
        case .memoryBackendBusy(let id, let holder):
            "'\(id)' belongs to \(holder). Give each device a memory-backend object of its own."
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
