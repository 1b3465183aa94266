public import GuestMemory

/// The driver's side of a split virtqueue (virtio 1.3, section 2.7). Its parts can be damaged on purpose.
public struct SplitDriverQueue: DriverQueue {
    public static let next: UInt16 = 1
    public static let write: UInt16 = 2
    public static let indirect: UInt16 = 4

    public let size: UInt16
    public let descriptorArea: GuestAddress
    public let driverArea: GuestAddress
    public let deviceArea: GuestAddress

    private let ram: GuestRAM
    private let hasEventIndex: Bool
    private var freeDescriptors: [UInt16]
    private var chains: [UInt16: [UInt16]] = [:]
    private var tables: [UInt16: GuestAddress] = [:]
    private var availableIndex: UInt16 = 0
    private var publishedIndex: UInt16 = 0
    private var usedIndex: UInt16 = 0

    public init(_ ram: GuestRAM, size: UInt16, hasEventIndex: Bool = false) throws {
        self.ram = ram
        self.size = size
        self.hasEventIndex = hasEventIndex
        descriptorArea = try ram.allocate(16 * Int(size), alignment: 16)
        driverArea = try ram.allocate(6 + 2 * Int(size), alignment: 2)
        deviceArea = try ram.allocate(6 + 8 * Int(size), alignment: 4)
        freeDescriptors = Array((0..<size).reversed())
    }

    public mutating func add(_ pieces: [BufferPiece], indirect: Bool) throws -> UInt16 {
        let needed = indirect ? 1 : pieces.count
        guard freeDescriptors.count >= needed else { throw SupportError.queueFull }
        let indices = (0..<needed).map { _ in freeDescriptors.removeLast() }
        let head = indices[0]
        chains[head] = indices
        if indirect {
            // One table per descriptor, made once, so that a test of any length needs no more memory.
            let table = try tables[head] ?? ram.allocate(16 * Int(size))
            tables[head] = table
            try writeChain(pieces, at: table, indices: Array(0..<UInt16(pieces.count)))
            try writeDescriptor(head, address: table, byteCount: UInt32(16 * pieces.count), flags: Self.indirect)
        } else {
            try writeChain(pieces, at: descriptorArea, indices: indices)
        }
        try makeAvailable(head)
        return head
    }

    private func writeChain(_ pieces: [BufferPiece], at table: GuestAddress, indices: [UInt16]) throws {
        for (position, piece) in pieces.enumerated() {
            let isLast = position == pieces.count - 1
            try writeDescriptor(
                indices[position], in: table, address: piece.address, byteCount: piece.byteCount,
                flags: (piece.isWritable ? Self.write : 0) | (isLast ? 0 : Self.next),
                next: isLast ? 0 : indices[position + 1])
        }
    }

    public mutating func publish() throws -> Bool {
        let old = publishedIndex
        try publishIndex(availableIndex)
        MemoryMap.fullBarrier()
        guard hasEventIndex else { return try ram.map.loadRingWord(at: deviceArea) & 1 == 0 }
        let event = try ram.map.loadRingWord(at: deviceArea.offset(4 + 8 * UInt64(size)))
        return publishedIndex &- event &- 1 < publishedIndex &- old
    }

    public mutating func takeUsed() throws -> UsedBuffer? {
        guard try deviceIndex() != usedIndex else { return nil }
        let entry = deviceArea.offset(4 + 8 * UInt64(usedIndex % size))
        let id: UInt32 = try ram.map.load(at: entry)
        let byteCount: UInt32 = try ram.map.load(at: entry.offset(4))
        usedIndex &+= 1
        let head = UInt16(truncatingIfNeeded: id)
        freeDescriptors += chains.removeValue(forKey: head) ?? []
        return UsedBuffer(id: head, writtenByteCount: byteCount)
    }

    public mutating func requestInterrupt(_ wanted: Bool) throws {
        if hasEventIndex {
            try setUsedEvent(wanted ? usedIndex : usedIndex &- 1)
        } else {
            try ram.map.storeRingWord(wanted ? 0 : 1, at: driverArea)
        }
    }
}

// MARK: - For tests that look closer, or break something

extension SplitDriverQueue {
    /// The used index as the device last stored it.
    public func deviceIndex() throws -> UInt16 { try ram.map.loadRingWord(at: deviceArea.offset(2)) }

    /// The available index at which the device wants its next notification.
    public func availableEvent() throws -> UInt16 {
        try ram.map.loadRingWord(at: deviceArea.offset(4 + 8 * UInt64(size)))
    }

    /// The used index after which the driver wants its next interrupt.
    public func setUsedEvent(_ index: UInt16) throws {
        try ram.map.storeRingWord(index, at: driverArea.offset(4 + 2 * UInt64(size)))
    }

    public func writeDescriptor(
        _ index: UInt16, in table: GuestAddress? = nil, address: GuestAddress, byteCount: UInt32, flags: UInt16,
        next: UInt16 = 0
    ) throws {
        let at = (table ?? descriptorArea).offset(16 * UInt64(index))
        try ram.map.store(address.rawValue, at: at)
        try ram.map.store(byteCount, at: at.offset(8))
        try ram.map.store(flags, at: at.offset(12))
        try ram.map.store(next, at: at.offset(14))
    }

    /// Puts a head into the available ring, whatever it is.
    public mutating func makeAvailable(_ head: UInt16) throws {
        try ram.map.store(head, at: driverArea.offset(4 + 2 * UInt64(availableIndex % size)))
        availableIndex &+= 1
    }

    /// Stores an available index, whatever it is.
    public mutating func publishIndex(_ index: UInt16) throws {
        availableIndex = index
        publishedIndex = index
        try ram.map.storeRingWord(index, at: driverArea.offset(2))
    }
}

extension GuestAddress {
    func offset(_ byteCount: UInt64) -> GuestAddress { GuestAddress(rawValue + byteCount) }
}
