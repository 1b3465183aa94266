/// QMP's error classes; nearly everything is generic.
public enum ErrorClass: String, Equatable, Sendable {
    case generic = "GenericError"
    case commandNotFound = "CommandNotFound"
    case deviceNotActive = "DeviceNotActive"
    case deviceNotFound = "DeviceNotFound"
    case kvmMissingCapability = "KVMMissingCap"
}

/// Why a machine did not do what a monitor asked.
public enum ControlError: Error, Equatable, Sendable {
    /// What names, sizes and addresses of the request alone, or beside what is there, make impossible.
    case dialect(DialectError)
    /// `memaddr` is no multiple of the alignment, in bytes.
    case addressUnaligned(alignment: UInt64)
    /// `memaddr` leaves the window for memory devices. All in bytes.
    case addressOutside(start: UInt64, byteCount: UInt64, windowStart: UInt64, windowByteCount: UInt64)
    /// Another device has a part of the range; its id.
    case addressTaken(by: String?)
    /// The window for memory devices has no gap of that size.
    case noAddressSpace
    /// KVM takes no more memory slots.
    case noMemorySlot
    /// The device cannot be removed.
    case notRemovable(String)
    /// Whatever else the host or the machine said; a sentence.
    case failed(String)

    /// QEMU's words where it has some.
    public var message: String {
        switch self {
        case .dialect(let error): error.monitorMessage
        case .addressUnaligned(let alignment): "address must be aligned to \(hexadecimal(alignment)) bytes"
        case .addressOutside(let start, let count, let windowStart, let windowCount):
            "can't add memory device [\(hexadecimal(start)):\(hexadecimal(count))], "
                + "usable range for memory devices [\(hexadecimal(windowStart)):\(hexadecimal(windowCount))]"
        case .addressTaken(let id): "address range conflicts with memory device id='\(id ?? "(unnamed)")'"
        case .noAddressSpace:
            "could not find position in guest address space for memory device - memory fragmented due to alignments"
        case .noMemorySlot: "hypervisor has no free memory slots left"
        case .notRemovable(let id): "Device '\(id)' does not support hotunplugging"
        case .failed(let text): text
        }
    }

    /// What to do about it, in a monitor's terms; nil where the message says it.
    public var advice: String? {
        guard case .dialect(let error) = self else { return nil }
        return error.monitorAdvice
    }

    public var errorClass: ErrorClass {
        guard case .dialect(let error) = self else { return .generic }
        return error.errorClass
    }
}
