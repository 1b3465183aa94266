import Options

// QEMU's monitor says some things differently from its command line.

extension DialectError {
    /// The message of the same mistake made in a monitor.
    public var monitorMessage: String {
        switch self {
        case .invalidParameter(let name, _): "Parameter '\(name)' is unexpected"
        case .duplicateIdentifier(let id, "object"):
            "attempt to add duplicate property '\(id)' to object (type 'container')"
        case .duplicateIdentifier(let id, "device"): "Duplicate device ID '\(id)'"
        default: message
        }
    }

    /// What to do about it, where the command line's advice is not about the command line.
    public var monitorAdvice: String? {
        switch self {
        case .linkedObjectNotFound(let reference): "Add the object first: object_add \(reference.example)"
        case .nvdimmNotSupported: "Use device_add virtio-pmem-pci,memdev=ID instead."
        case .deviceWithoutTransport(_, let model): "Use device_add \(model) instead."
        case .propertyNotFound(let device, _): "device_add \(device),help lists the properties."
        case .objectInUse(_, let holder): "It belongs to \(holder); remove that with device_del first."
        default: advice
        }
    }

    /// The class that QMP reports.
    public var errorClass: ErrorClass {
        switch self {
        case .deviceNotFound, .linkedObjectNotFound: .deviceNotFound
        default: .generic
        }
    }
}
