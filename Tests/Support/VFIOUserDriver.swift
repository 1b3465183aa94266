public import GuestMemory
public import Host

/// The driver of a virtio device behind a vfio-user client: what the guest of such a client does, by region accesses
/// alone.
public final class VFIOUserDriver {
    public let client: VFIOUserClient
    public let ram: GuestRAM
    public let event: EventFD
    private let file: MemoryFile
    private var queue: SplitDriverQueue

    /// Where the guest puts the storage's BAR.
    public static let storageAddress: UInt64 = 0x1_0000_0000
    private static let common: UInt64 = 0
    private static let notification: UInt64 = 0x3000

    /// Negotiates, gives 4 MiB of memory and an eventfd for each vector.
    ///
    /// - Parameter queueSize: in descriptors.
    public init(_ client: VFIOUserClient, queueSize: UInt16 = 16) throws {
        self.client = client
        let byteCount = 4 << 20
        file = try MemoryFile(byteCount: UInt64(byteCount))
        ram = try GuestRAM(file.map(byteCount: byteCount))
        event = try EventFD()
        queue = try SplitDriverQueue(ram, size: queueSize)
        try client.negotiate()
        try client.mapMemory(file.descriptor, address: ram.range.start.rawValue, byteCount: UInt64(byteCount))
        try client.setInterrupts([EventFD(), event])
    }

    /// Memory decoding, bus mastering, and the storage's BAR.
    public func placeStorage() throws {
        try client.store(7, 0x20, Self.storageAddress & 0xffff_ffff, 4)
        try client.store(7, 0x24, Self.storageAddress >> 32, 4)
        try client.store(7, 0x04, 0x6, 2)
    }

    /// The steps of virtio 1.3, section 3.1.1.
    public func start(features: UInt64) throws {
        let common = Self.common
        for status in [0, 1, 3] as [UInt64] { try client.store(2, common + 0x14, status, 1) }
        for word in 0..<2 as Range<UInt64> {
            try client.store(2, common + 0x08, word, 4)
            try client.store(2, common + 0x0c, features >> (word * 32) & 0xffff_ffff, 4)
        }
        try client.store(2, common + 0x14, 0xb, 1)
        try client.store(2, common + 0x16, 0, 2)
        try client.store(2, common + 0x18, UInt64(queue.size), 2)
        let areas =
            [(0x20, queue.descriptorArea), (0x28, queue.driverArea), (0x30, queue.deviceArea)]
            as [(UInt64, GuestAddress)]
        for (offset, area) in areas {
            try client.store(2, common + offset, area.rawValue & 0xffff_ffff, 4)
            try client.store(2, common + offset + 4, area.rawValue >> 32, 4)
        }
        try client.store(2, common + 0x1a, 1, 2)
        try client.store(2, common + 0x1c, 1, 2)
        try client.store(2, common + 0x14, 0xf, 1)
    }

    public func status() throws -> UInt64 { try client.load(2, Self.common + 0x14, 1) }

    /// What the device offers.
    public func offeredFeatures() throws -> UInt64 {
        var result: UInt64 = 0
        for word in 0..<2 as Range<UInt64> {
            try client.store(2, Self.common, word, 4)
            result |= try client.load(2, Self.common + 4, 4) << (word * 32)
        }
        return result
    }

    /// `start` and `size` in the device's configuration.
    public func configuration() throws -> [UInt64] { [try client.load(2, 0x2000, 8), try client.load(2, 0x2008, 8)] }

    /// Makes a flush available without ringing the doorbell; the result is where the answer will be.
    public func addFlush() throws -> GuestAddress {
        let type = try ram.allocate(4)
        let answer = try ram.allocate(4)
        try ram.map.store(UInt32(0), at: type)
        try ram.map.store(UInt32(0xdead), at: answer)
        _ = try queue.add([.readable(type, 4), .writable(answer, 4)])
        _ = try queue.publish()
        return answer
    }

    /// Makes a buffer available that the device is to fill, without ringing the doorbell.
    public func addBuffer(byteCount: Int) throws -> GuestAddress {
        let buffer = try ram.allocate(byteCount)
        _ = try queue.add([.writable(buffer, UInt32(byteCount))])
        _ = try queue.publish()
        return buffer
    }

    public func ring() throws { try client.store(2, Self.notification, 0, 2) }

    /// Waits for the interrupt, then for the used buffer.
    public func takeAnswer(_ answer: GuestAddress) throws -> UInt32 {
        try waitForUsed()
        return try ram.map.load(at: answer)
    }

    /// Memory decoding and bus mastering.
    public func enable() throws { try client.store(7, 0x04, 0x6, 2) }

    /// Waits for the interrupt, then for the used buffer.
    public func waitForUsed() throws {
        guard try Poll.wait([Poll.Interest(event.rawDescriptor)], timeout: 20_000)[0] else {
            throw SupportError.timedOut("the interrupt")
        }
        event.clear()
        try wait(for: "the used buffer") { try queue.takeUsed() != nil }
    }

    /// One flush, from the request to its answer.
    public func flush() throws -> UInt32 {
        let answer = try addFlush()
        try ring()
        return try takeAnswer(answer)
    }
}
