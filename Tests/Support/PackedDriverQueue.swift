public import GuestMemory

/// The driver's side of a packed virtqueue (virtio 1.3, section 2.8). Its parts can be damaged on purpose.
public struct PackedDriverQueue: DriverQueue {
    public static let next: UInt16 = 1
    public static let write: UInt16 = 2
    public static let indirect: UInt16 = 4
    public static let available: UInt16 = 1 << 7
    public static let used: UInt16 = 1 << 15

    public let size: UInt16
    public let descriptorArea: GuestAddress
    public let driverArea: GuestAddress
    public let deviceArea: GuestAddress

    private let ram: GuestRAM
    private let hasEventIndex: Bool
    private var freeIDs: [UInt16]
    private var lengths: [UInt16: UInt16] = [:]
    private var tables: [UInt16: GuestAddress] = [:]
    private var freeCount: UInt16
    private var nextAvailable = RingPosition()
    private var nextUsed = RingPosition()
    private var hidden: (address: GuestAddress, flags: UInt16)?
    /// Descriptors added since the last publish.
    private var addedCount: UInt16 = 0

    public init(_ ram: GuestRAM, size: UInt16, hasEventIndex: Bool = false) throws {
        self.ram = ram
        self.size = size
        self.hasEventIndex = hasEventIndex
        descriptorArea = try ram.allocate(16 * Int(size), alignment: 16)
        driverArea = try ram.allocate(4, alignment: 4)
        deviceArea = try ram.allocate(4, alignment: 4)
        freeIDs = Array((0..<size).reversed())
        freeCount = size
    }

    public mutating func add(_ pieces: [BufferPiece], indirect: Bool) throws -> UInt16 {
        let needed = indirect ? 1 : UInt16(pieces.count)
        guard freeCount >= needed, let id = freeIDs.popLast() else { throw SupportError.queueFull }
        lengths[id] = needed
        freeCount -= needed
        addedCount += needed
        guard indirect else {
            for (index, piece) in pieces.enumerated() {
                let flags = (piece.isWritable ? Self.write : 0) | (index < pieces.count - 1 ? Self.next : 0)
                try append(address: piece.address, byteCount: piece.byteCount, id: id, flags: flags)
            }
            return id
        }
        let table = try tables[id] ?? ram.allocate(16 * Int(size))
        tables[id] = table
        for (index, piece) in pieces.enumerated() {
            try writeDescriptor(
                at: table.offset(16 * UInt64(index)), address: piece.address, byteCount: piece.byteCount, id: 0,
                flags: piece.isWritable ? Self.write : 0)
        }
        try append(address: table, byteCount: UInt32(16 * pieces.count), id: id, flags: Self.indirect)
        return id
    }

    public mutating func publish() throws -> Bool {
        if let hidden { try ram.map.storeRingWord(hidden.flags, at: hidden.address.offset(14)) }
        hidden = nil
        defer { addedCount = 0 }
        MemoryMap.fullBarrier()
        let flags = try ram.map.loadRingWord(at: deviceArea.offset(2))
        guard hasEventIndex, flags == 2 else { return flags != 1 }
        // The named descriptor is among those just added if it is less than that many before the next one.
        let event = try ram.map.loadRingWord(at: deviceArea)
        let isThisLap = (event >> 15 == 1) == nextAvailable.wrap
        let distance = Int(nextAvailable.index) - Int(event & 0x7fff) + (isThisLap ? 0 : Int(size))
        return distance > 0 && distance <= Int(addedCount)
    }

    public mutating func takeUsed() throws -> UsedBuffer? {
        let at = descriptorArea.offset(16 * UInt64(nextUsed.index))
        let flags = try ram.map.loadRingWord(at: at.offset(14))
        guard (flags & Self.available != 0) == nextUsed.wrap, (flags & Self.used != 0) == nextUsed.wrap else {
            return nil
        }
        let id: UInt16 = try ram.map.load(at: at.offset(12))
        let byteCount: UInt32 = try ram.map.load(at: at.offset(8))
        guard let length = lengths.removeValue(forKey: id) else { throw SupportError.timedOut("unknown buffer \(id)") }
        nextUsed.advance(by: length, size: size)
        freeIDs.append(id)
        freeCount += length
        return UsedBuffer(id: id, writtenByteCount: flags & Self.write != 0 ? byteCount : 0)
    }

    public mutating func requestInterrupt(_ wanted: Bool) throws {
        if wanted, hasEventIndex {
            try setUsedEvent(nextUsed.index, wrap: nextUsed.wrap)
        } else {
            try ram.map.storeRingWord(wanted ? 0 : 1, at: driverArea.offset(2))
        }
    }
}

/// An index with its wrap counter (section 2.8.1).
private struct RingPosition {
    var index: UInt16 = 0
    var wrap = true

    mutating func advance(by count: UInt16, size: UInt16) {
        index += count
        guard index >= size else { return }
        index -= size
        wrap.toggle()
    }
}

// MARK: - For tests that look closer, or break something

extension PackedDriverQueue {
    /// The used descriptor after which the driver wants its next interrupt.
    public func setUsedEvent(_ index: UInt16, wrap: Bool) throws {
        try ram.map.storeRingWord(index | (wrap ? 1 << 15 : 0), at: driverArea)
        try ram.map.storeRingWord(2, at: driverArea.offset(2))
    }

    public func writeDescriptor(
        at address: GuestAddress, address buffer: GuestAddress, byteCount: UInt32, id: UInt16, flags: UInt16
    ) throws {
        try ram.map.store(buffer.rawValue, at: address)
        try ram.map.store(byteCount, at: address.offset(8))
        try ram.map.store(id, at: address.offset(12))
        try ram.map.storeRingWord(flags, at: address.offset(14))
    }

    /// Places one descriptor with the bits that make it available. The first since the last publish stays hidden.
    public mutating func append(address: GuestAddress, byteCount: UInt32, id: UInt16, flags: UInt16) throws {
        let at = descriptorArea.offset(16 * UInt64(nextAvailable.index))
        let flags = flags | (nextAvailable.wrap ? Self.available : Self.used)
        // What lies there from the last lap reads as not available.
        let isFirst = hidden == nil
        let old = try ram.map.loadRingWord(at: at.offset(14))
        try writeDescriptor(at: at, address: address, byteCount: byteCount, id: id, flags: isFirst ? old : flags)
        if isFirst { hidden = (at, flags) }
        nextAvailable.advance(by: 1, size: size)
    }
}
