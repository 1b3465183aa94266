public import Backend
public import GuestMemory

/// The memory that a device shows the guest beside its RAM.
public struct DeviceMemory: Sendable {
    public let backend: any MemoryBackend
    public let need: DeviceMemoryNeed
    /// Counts a store of the guest that was dropped because the memory is read-only; returns how many there were.
    public let recordDroppedStore: @Sendable () -> UInt64
}

/// How much of the guest's address space a device's memory takes, and where.
public struct DeviceMemoryNeed: Equatable, Sendable {
    public enum Place: Equatable, Sendable {
        /// The machine chooses.
        case anywhere
        /// At a guest-physical address that the options name.
        case at(GuestAddress)
        /// In a BAR, which the guest places.
        case bar
    }

    /// Of the memory.
    public let byteCount: UInt64
    /// Of the host address, in bytes; the guest's is to be a multiple as well.
    public let alignment: UInt64
    public let place: Place
}

/// Where the guest sees a device's memory.
public enum MemoryPlace: Sendable {
    /// Where the machine or the options put it.
    case fixed(GuestRange)
    /// In a BAR, wherever the guest has put that: a shared memory region of the transport.
    case bar(MovingRange)

    /// Where it is now; nil while its BAR is off.
    public var range: GuestRange? {
        switch self {
        case .fixed(let range): range
        case .bar(let range): range.value
        }
    }
}
