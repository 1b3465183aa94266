public import GuestMemory
public import Host
import Synchronization

/// Memory of a guest that does not exist, with an allocator for the parts of a test.
public final class GuestRAM: Sendable {
    public let memory: GuestAddressSpace
    public let range: GuestRange
    private let next: Mutex<UInt64>

    /// - Parameters:
    ///   - start: guest-physical; not 0, so that a zeroed address is outside.
    ///   - byteCount: a multiple of the page size.
    public convenience init(start: UInt64 = 0x10_0000, byteCount: Int = 4 << 20) throws {
        try self.init(start: start, HostMapping(.anonymous(reserve: false), byteCount: byteCount))
    }

    /// - Parameter mapping: the host memory behind it, which others may share.
    public init(start: UInt64 = 0x10_0000, _ mapping: HostMapping) throws {
        let byteCount = mapping.byteCount
        guard let range = GuestRange(start: GuestAddress(start), byteCount: UInt64(byteCount)),
            let region = MemoryRegion(range: range, mapping: mapping, purpose: .ram)
        else { throw SupportError.badRange }
        var map = MemoryMap()
        try map.insert(region)
        memory = GuestAddressSpace(map)
        self.range = range
        next = Mutex(start)
    }

    public var map: MemoryMap { memory.map }

    /// Memory that no other part of the test uses.
    public func allocate(_ byteCount: Int, alignment: UInt64 = 16) throws -> GuestAddress {
        try next.withLock { next in
            let start = (next + alignment - 1) / alignment * alignment
            guard start + UInt64(byteCount) <= range.start.rawValue + range.byteCount else { throw SupportError.full }
            next = start + UInt64(byteCount)
            return GuestAddress(start)
        }
    }
}

public enum SupportError: Error {
    case badRange
    /// The guest has no memory left.
    case full
    /// The driver's queue has no descriptors left.
    case queueFull
    /// Something that should have happened did not happen in time.
    case timedOut(String)
}
