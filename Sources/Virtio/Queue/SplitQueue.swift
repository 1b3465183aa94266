public import GuestMemory

/// A split virtqueue (virtio 1.3, section 2.7).
public struct SplitQueue: Virtqueue {
    private let size: UInt16
    private let table: GuestAddress
    private let available: GuestAddress
    private let used: GuestAddress
    private let hasIndirect: Bool
    private let hasEventIndex: Bool

    /// How many chains were taken. Its low 16 bits are the index as the ring counts.
    private var taken: UInt64 = 0
    private var usedIndex: UInt16 = 0
    private var publishedUsedIndex: UInt16 = 0
    private var flagsAreWritten = false
    private var failure: QueueError?

    /// - Parameter activation: with a size that is a power of two.
    public init(_ activation: QueueActivation, features: UInt64) {
        // A transport never lets 0 through; a remainder by it would trap.
        size = max(activation.size, 1)
        table = activation.descriptorArea
        available = activation.driverArea
        used = activation.deviceArea
        hasIndirect = features & Feature.indirectDescriptors != 0
        hasEventIndex = features & Feature.eventIndex != 0
    }

    public mutating func publishedHorizon(in memory: MemoryMap) throws(QueueError) -> Horizon {
        try keepingFailure { (queue) throws(QueueError) in try queue.readHorizon(in: memory) }
    }

    public mutating func pop(upTo horizon: Horizon, in memory: MemoryMap) throws(QueueError) -> AvailableBuffer? {
        try keepingFailure { (queue) throws(QueueError) in
            guard queue.taken < horizon.position else { return nil }
            return try queue.takeNext(in: memory)
        }
    }

    public mutating func push(
        _ token: BufferToken, writtenByteCount: UInt32, in memory: MemoryMap
    ) throws(QueueError) {
        try keepingFailure { (queue) throws(QueueError) in
            let index = UInt64(queue.usedIndex % queue.size)
            // `id` is the low and `len` the high half of the entry (section 2.7.8).
            try ring { () throws(GuestMemoryError) in
                try memory.store(
                    UInt64(token.id) | UInt64(writtenByteCount) << 32, at: queue.used.entry(index, of: 8, at: 4))
            }
            queue.usedIndex &+= 1
        }
    }

    public mutating func publish(in memory: MemoryMap) throws(QueueError) -> Bool {
        try keepingFailure { (queue) throws(QueueError) in try queue.publishUsedIndex(in: memory) }
    }

    public mutating func requestNotification(in memory: MemoryMap) throws(QueueError) -> Bool {
        try keepingFailure { (queue) throws(QueueError) in
            try queue.writeSuppression(in: memory)
            // The driver stores its index, then loads ours; here it is the other way round. One of both sees the other.
            MemoryMap.fullBarrier()
            return try queue.readHorizon(in: memory).position > queue.taken
        }
    }

    private mutating func keepingFailure<Result>(
        _ body: (inout SplitQueue) throws(QueueError) -> Result
    ) throws(QueueError) -> Result {
        if let failure { throw failure }
        do throws(QueueError) { return try body(&self) } catch {
            failure = error
            throw error
        }
    }
}

// MARK: - Available ring

extension SplitQueue {
    private var takenIndex: UInt16 { UInt16(truncatingIfNeeded: taken) }

    private func readHorizon(in memory: MemoryMap) throws(QueueError) -> Horizon {
        let index = try ring { () throws(GuestMemoryError) in
            try memory.loadRingWord(at: available.entry(0, of: 2, at: 2))
        }
        let ahead = index &- takenIndex
        guard ahead <= size else { throw .availableIndexJump(from: takenIndex, to: index) }
        return Horizon(position: taken &+ UInt64(ahead))
    }

    private mutating func takeNext(in memory: MemoryMap) throws(QueueError) -> AvailableBuffer {
        let head = try ring { () throws(GuestMemoryError) in
            try memory.load(UInt16.self, at: available.entry(UInt64(takenIndex % size), of: 2, at: 4))
        }
        guard head < size else { throw .headBeyondTable(head) }
        taken &+= 1
        let token = BufferToken(id: head, slotCount: 1)
        switch try walk(from: head, in: memory) {
        case .success(let descriptors): return .chain(DescriptorChain(token: token, descriptors: descriptors))
        case .failure(let error): return .malformed(token, error)
        }
    }

    /// Follows a chain. A table outside memory is the queue's fault, everything else the chain's.
    private func walk(from head: UInt16, in memory: MemoryMap) throws(QueueError) -> Result<DescriptorList, ChainError>
    {
        var chain = ChainBuilder(limit: Int(size))
        var index = head
        while true {
            let raw = try ring { () throws(GuestMemoryError) in
                try RawDescriptor(at: table.entry(UInt64(index), of: RawDescriptor.byteCount), in: memory)
            }
            do throws(ChainError) {
                guard let next = try take(raw, into: &chain, in: memory) else { return .success(chain.descriptors) }
                guard next < size else { return .failure(.nextBeyondTable(next)) }
                index = next
            } catch {
                return .failure(error)
            }
        }
    }

    /// Adds a descriptor of the table, or the indirect table that it refers to.
    ///
    /// - Returns: the index of the next one; nil at the chain's end.
    private func take(
        _ raw: RawDescriptor, into chain: inout ChainBuilder, in memory: MemoryMap
    ) throws(ChainError) -> UInt16? {
        let flags = raw.third
        guard flags & RawDescriptor.indirect != 0 else {
            try chain.append(raw, isDeviceWritable: flags & RawDescriptor.write != 0)
            return flags & RawDescriptor.next != 0 ? raw.fourth : nil
        }
        guard flags & RawDescriptor.next == 0 else { throw .indirectWithNext }
        try walk(IndirectTable(raw, isNegotiated: hasIndirect), into: &chain, in: memory)
        return nil
    }

    /// Section 2.7.5.3: the chain in the table begins at its first entry and is linked like any other.
    private func walk(_ indirect: IndirectTable, into chain: inout ChainBuilder, in memory: MemoryMap)
        throws(ChainError)
    {
        var index: UInt16 = 0
        while true {
            let raw = try indirect.descriptor(UInt32(index), in: memory)
            guard raw.third & RawDescriptor.indirect == 0 else { throw .nestedIndirect }
            try chain.append(raw, isDeviceWritable: raw.third & RawDescriptor.write != 0)
            guard raw.third & RawDescriptor.next != 0 else { return }
            guard UInt32(raw.fourth) < indirect.count else { throw .nextBeyondTable(raw.fourth) }
            index = raw.fourth
        }
    }
}

// MARK: - Used ring

extension SplitQueue {
    private mutating func publishUsedIndex(in memory: MemoryMap) throws(QueueError) -> Bool {
        let old = publishedUsedIndex
        guard usedIndex != old else { return false }
        // Section 2.7.8.2: entries before the index; the store releases them.
        try ring { () throws(GuestMemoryError) in
            try memory.storeRingWord(usedIndex, at: used.entry(0, of: 8, at: 2))
        }
        publishedUsedIndex = usedIndex
        // The driver stores its wish, then loads our index.
        MemoryMap.fullBarrier()
        return try wantsInterrupt(from: old, in: memory)
    }

    /// Section 2.7.7.2.
    private func wantsInterrupt(from old: UInt16, in memory: MemoryMap) throws(QueueError) -> Bool {
        try ring { () throws(GuestMemoryError) in
            guard hasEventIndex else { return try memory.loadRingWord(at: available) & 1 == 0 }
            let event = try memory.loadRingWord(at: available.entry(UInt64(size), of: 2, at: 4))
            return passed(event: event, from: old, to: publishedUsedIndex)
        }
    }

    /// Section 2.7.10.2: flags 0 ("notify me"), and with the event index, which buffer is the next to notify about.
    private mutating func writeSuppression(in memory: MemoryMap) throws(QueueError) {
        try ring { () throws(GuestMemoryError) in
            if !flagsAreWritten { try memory.storeRingWord(0, at: used) }
            guard hasEventIndex else { return }
            try memory.storeRingWord(takenIndex, at: used.entry(UInt64(size), of: 8, at: 4))
        }
        flagsAreWritten = true
    }
}

/// Runs an access to a ring; its failure is the queue's.
func ring<Result>(_ body: () throws(GuestMemoryError) -> Result) throws(QueueError) -> Result {
    do throws(GuestMemoryError) { return try body() } catch { throw .ring(error) }
}
