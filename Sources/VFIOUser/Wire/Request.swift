/// A command with its fields. What they mean for the device is not looked at here.
public enum Request: Equatable, Sendable {
    case version(VersionProposal)
    case mapMemory(MemoryMapping)
    case unmapMemory(MemoryUnmapping)
    case deviceInformation
    /// `capacity` is how many bytes of payload the client takes.
    case regionInformation(index: UInt32, capacity: UInt32)
    case regionDescriptors(index: UInt32, capacity: UInt32)
    case interruptInformation(index: UInt32)
    case setInterrupts(InterruptSetting)
    case readRegion(RegionAccess)
    case writeRegion(RegionAccess, [UInt8])
    case writeRegions([RegionWrite])
    case reset
}

/// A range of a region.
public struct RegionAccess: Equatable, Sendable {
    /// In the region, in bytes.
    public let offset: UInt64
    public let region: UInt32
    /// In bytes.
    public let byteCount: UInt32
}

/// One of the stores of WRITE_MULTI, of up to 8 bytes.
public struct RegionWrite: Equatable, Sendable {
    public let access: RegionAccess
    public let data: [UInt8]
}

/// DMA_MAP: memory of the client that the device may access.
public struct MemoryMapping: Equatable, Sendable {
    public let flags: UInt32
    /// In the file that comes with the message, in bytes.
    public let offset: UInt64
    /// Guest-physical.
    public let address: UInt64
    /// In bytes.
    public let byteCount: UInt64

    static let readable: UInt32 = 1 << 0
    static let writable: UInt32 = 1 << 1

    public init(flags: UInt32, offset: UInt64, address: UInt64, byteCount: UInt64) {
        self.flags = flags
        self.offset = offset
        self.address = address
        self.byteCount = byteCount
    }
}

/// DMA_UNMAP.
public struct MemoryUnmapping: Equatable, Sendable {
    public let capacity: UInt32
    public let flags: UInt32
    public let address: UInt64
    public let byteCount: UInt64

    /// Everything, whatever it is: not in the specification, but what QEMU sends (VFIO_DMA_UNMAP_FLAG_ALL of
    /// linux/vfio.h).
    static let all: UInt32 = 1 << 1
}

/// SET_IRQS: what is to happen with some vectors.
public struct InterruptSetting: Equatable, Sendable {
    public enum Data: Equatable, Sendable {
        /// All of the range.
        case none
        /// Those whose byte is not 0.
        case flags([UInt8])
        /// Eventfds came with the message, or none to take the vectors' away.
        case descriptors
    }

    public enum Action: Equatable, Sendable {
        case mask, unmask, trigger
    }

    public let data: Data
    public let action: Action
    /// The kind of interrupt.
    public let index: UInt32
    /// The first vector.
    public let start: UInt32
    public let count: UInt32
}
