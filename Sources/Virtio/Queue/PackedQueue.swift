public import GuestMemory

/// A packed virtqueue (virtio 1.3, section 2.8).
///
/// Positions count descriptors from the queue's start and never wrap: a position's remainder by the size is the entry,
/// its quotient is the lap, and an even lap has the wrap counter 1.
public struct PackedQueue: Virtqueue {
    private let size: UInt16
    private let descriptorRing: GuestAddress
    private let driverSuppression: GuestAddress
    private let deviceSuppression: GuestAddress
    private let hasIndirect: Bool
    private let hasEventIndex: Bool

    /// The next descriptor to take.
    private var taken: UInt64 = 0
    /// Where the next used descriptor goes.
    private var used: UInt64 = 0
    /// As far as the driver can see.
    private var publishedUsed: UInt64 = 0
    /// The flags of the first descriptor that is not published, which hide those behind it.
    private var heldBackFlags: UInt16?
    private var failure: QueueError?

    /// - Parameter activation: with a size from 1 to 32768, not necessarily a power of two.
    public init(_ activation: QueueActivation, features: UInt64) {
        // A transport never lets 0 through; a remainder by it would trap.
        size = max(activation.size, 1)
        descriptorRing = activation.descriptorArea
        driverSuppression = activation.driverArea
        deviceSuppression = activation.deviceArea
        hasIndirect = features & Feature.indirectDescriptors != 0
        hasEventIndex = features & Feature.eventIndex != 0
    }

    public mutating func publishedHorizon(in memory: MemoryMap) throws(QueueError) -> Horizon {
        try keepingFailure { (queue) throws(QueueError) in try queue.readHorizon(in: memory) }
    }

    public mutating func pop(upTo horizon: Horizon, in memory: MemoryMap) throws(QueueError) -> AvailableBuffer? {
        try keepingFailure { (queue) throws(QueueError) in
            guard queue.taken < horizon.position, try queue.isAvailable(queue.taken, in: memory) else { return nil }
            return try queue.takeNext(in: memory)
        }
    }

    public mutating func push(
        _ token: BufferToken, writtenByteCount: UInt32, in memory: MemoryMap
    ) throws(QueueError) {
        try keepingFailure { (queue) throws(QueueError) in
            try queue.writeUsed(token, writtenByteCount: writtenByteCount, in: memory)
        }
    }

    public mutating func publish(in memory: MemoryMap) throws(QueueError) -> Bool {
        try keepingFailure { (queue) throws(QueueError) in try queue.publishUsed(in: memory) }
    }

    public mutating func requestNotification(in memory: MemoryMap) throws(QueueError) -> Bool {
        try keepingFailure { (queue) throws(QueueError) in
            try queue.writeSuppression(in: memory)
            MemoryMap.fullBarrier()
            return try queue.isAvailable(queue.taken, in: memory)
        }
    }

    private mutating func keepingFailure<Result>(
        _ body: (inout PackedQueue) throws(QueueError) -> Result
    ) throws(QueueError) -> Result {
        if let failure { throw failure }
        do throws(QueueError) { return try body(&self) } catch {
            failure = error
            throw error
        }
    }
}

// MARK: - Positions

extension PackedQueue {
    private func entry(_ position: UInt64) -> UInt64 { position % UInt64(size) }

    private func wrapCounter(_ position: UInt64) -> Bool { (position / UInt64(size)) & 1 == 0 }

    private func flags(_ position: UInt64, in memory: MemoryMap) throws(QueueError) -> UInt16 {
        try ring { () throws(GuestMemoryError) in
            try memory.loadRingWord(at: descriptorRing.entry(entry(position), of: RawDescriptor.byteCount, at: 14))
        }
    }

    /// Section 2.8.1: available is the wrap counter, used its inverse.
    private func isAvailable(_ position: UInt64, in memory: MemoryMap) throws(QueueError) -> Bool {
        let flags = try flags(position, in: memory)
        let wrap = wrapCounter(position)
        return (flags & RawDescriptor.available != 0) == wrap && (flags & RawDescriptor.used != 0) != wrap
    }
}

// MARK: - Available descriptors

extension PackedQueue {
    /// There is no index to read: every chain that is available now is walked once, by its flags.
    private func readHorizon(in memory: MemoryMap) throws(QueueError) -> Horizon {
        var position = taken
        let end = taken &+ UInt64(size)
        while position < end, try isAvailable(position, in: memory) {
            position = try endOfChain(from: position, in: memory)
        }
        return Horizon(position: position)
    }

    private func endOfChain(from head: UInt64, in memory: MemoryMap) throws(QueueError) -> UInt64 {
        for position in head..<(head &+ UInt64(size)) {
            if try flags(position, in: memory) & RawDescriptor.next == 0 { return position &+ 1 }
        }
        throw .endlessChain
    }

    private mutating func takeNext(in memory: MemoryMap) throws(QueueError) -> AvailableBuffer {
        let head = taken
        var chain = ChainBuilder(limit: Int(size))
        var problem: ChainError?
        // After a problem the rest is walked all the same, to find the chain's end and the buffer's ID.
        for position in head..<(head &+ UInt64(size)) {
            let raw = try ring { () throws(GuestMemoryError) in
                try RawDescriptor(at: descriptorRing.entry(entry(position), of: RawDescriptor.byteCount), in: memory)
            }
            let isFirst = position == head
            do throws(ChainError) {
                if problem == nil { try take(raw, isFirst: isFirst, into: &chain, in: memory) }
            } catch { problem = error }
            guard raw.fourth & RawDescriptor.next == 0 else { continue }
            taken = position &+ 1
            // Section 2.8.6: the ID stands in the list's last descriptor.
            let token = BufferToken(id: raw.third, slotCount: UInt16(truncatingIfNeeded: taken &- head))
            if let problem { return .malformed(token, problem) }
            return .chain(DescriptorChain(token: token, descriptors: chain.descriptors))
        }
        throw .endlessChain
    }

    private func take(
        _ raw: RawDescriptor, isFirst: Bool, into chain: inout ChainBuilder, in memory: MemoryMap
    ) throws(ChainError) {
        let flags = raw.fourth
        guard flags & RawDescriptor.indirect != 0 else {
            return try chain.append(raw, isDeviceWritable: flags & RawDescriptor.write != 0)
        }
        // Section 2.8.19: no indirect descriptor in a list.
        guard isFirst, flags & RawDescriptor.next == 0 else { throw .indirectWithNext }
        let table = try IndirectTable(raw, isNegotiated: hasIndirect)
        // Section 2.8.7: the whole table, in order; NEXT means nothing in it.
        for index in 0..<table.count {
            let raw = try table.descriptor(index, in: memory)
            guard raw.fourth & RawDescriptor.indirect == 0 else { throw .nestedIndirect }
            try chain.append(raw, isDeviceWritable: raw.fourth & RawDescriptor.write != 0)
        }
    }
}

// MARK: - Used descriptors

extension PackedQueue {
    /// Section 2.8.1: a used descriptor has both bits equal to the wrap counter. The first one of a batch gets its
    /// flags only when the batch is published; the driver, which reads in order, sees none before.
    private mutating func writeUsed(
        _ token: BufferToken, writtenByteCount: UInt32, in memory: MemoryMap
    ) throws(QueueError) {
        let position = used
        var flags = wrapCounter(position) ? RawDescriptor.available | RawDescriptor.used : 0
        if writtenByteCount > 0 { flags |= RawDescriptor.write }
        try ring { () throws(GuestMemoryError) in
            let at = try descriptorRing.entry(entry(position), of: RawDescriptor.byteCount)
            try memory.store(writtenByteCount, at: at.entry(0, of: 1, at: 8))
            try memory.store(token.id, at: at.entry(0, of: 1, at: 12))
            if heldBackFlags == nil { return }
            try memory.storeRingWord(flags, at: at.entry(0, of: 1, at: 14))
        }
        if heldBackFlags == nil { heldBackFlags = flags }
        used &+= UInt64(token.slotCount)
    }

    private mutating func publishUsed(in memory: MemoryMap) throws(QueueError) -> Bool {
        guard let flags = heldBackFlags else { return false }
        let old = publishedUsed
        try ring { () throws(GuestMemoryError) in
            try memory.storeRingWord(flags, at: descriptorRing.entry(entry(old), of: RawDescriptor.byteCount, at: 14))
        }
        heldBackFlags = nil
        publishedUsed = used
        MemoryMap.fullBarrier()
        return try wantsInterrupt(from: old, in: memory)
    }

    /// Section 2.8.10: 0 always, 1 never, 2 (with the event index) when the named descriptor is used.
    private func wantsInterrupt(from old: UInt64, in memory: MemoryMap) throws(QueueError) -> Bool {
        try ring { () throws(GuestMemoryError) in
            let flags = try memory.loadRingWord(at: driverSuppression.entry(0, of: 4, at: 2)) & 3
            guard hasEventIndex, flags == 2 else { return flags != 1 }
            let event = try memory.loadRingWord(at: driverSuppression)
            return eventPosition(event).map { (old..<publishedUsed).contains($0) } ?? false
        }
    }

    /// The position that an event offset names: in this lap if its wrap counter is this lap's, else in the one before.
    private func eventPosition(_ event: UInt16) -> UInt64? {
        let isThisLap = (event & 1 << 15 != 0) == wrapCounter(publishedUsed)
        let lap = publishedUsed / UInt64(size)
        guard isThisLap || lap > 0 else { return nil }
        return (isThisLap ? lap : lap &- 1) &* UInt64(size) &+ UInt64(event & 0x7fff)
    }

    private func writeSuppression(in memory: MemoryMap) throws(QueueError) {
        try ring { () throws(GuestMemoryError) in
            if hasEventIndex {
                let offset = UInt16(truncatingIfNeeded: entry(taken)) | (wrapCounter(taken) ? 1 << 15 : 0)
                try memory.storeRingWord(offset, at: deviceSuppression)
            }
            let flags: UInt16 = hasEventIndex ? 2 : 0
            try memory.storeRingWord(flags, at: deviceSuppression.entry(0, of: 4, at: 2))
        }
    }
}
