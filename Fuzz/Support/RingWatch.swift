import GuestMemory
import Synchronization
import Virtio

/// Looks at what passes between a queue and its worker, and at what changes in memory.
final class RingWatch: Sendable {
    private struct State {
        var problem: String?
        var limit = 0
        var poppedSinceHorizon = 0
        /// The chains that were popped and not pushed, the oldest first; nil for one that made no sense.
        var outstanding: [(token: BufferToken, chain: DescriptorChain?)] = []
        /// Where the step that is going on may write.
        var writable: [ClosedRange<UInt64>] = []
    }

    private let state = Mutex(State())
    private let size: Int
    /// What the device writes of the ring itself, guest-physical.
    private let ring: [ClosedRange<UInt64>]

    init(_ queue: QueueActivation, isPacked: Bool) {
        size = Int(queue.size)
        let (table, device) = (queue.descriptorArea.rawValue, queue.deviceArea.rawValue)
        // The used ring with its event field (virtio 1.3, section 2.7.8), or the packed ring and the device's
        // suppression.
        ring =
            isPacked
            ? [table...table + 16 * UInt64(queue.size) - 1, device...device + 3]
            : [device...device + 8 * UInt64(queue.size) + 5]
    }

    var problem: String? { state.withLock { $0.problem } }
    var limit: Int { state.withLock { $0.limit } }
    func setLimit(_ limit: Int) { state.withLock { $0.limit = limit } }

    func horizonWasRead() { state.withLock { $0.poppedSinceHorizon = 0 } }

    func popped(_ token: BufferToken, _ chain: DescriptorChain?) {
        state.withLock { state in
            state.poppedSinceHorizon += 1
            if state.poppedSinceHorizon > size { state.problem = "more chains before one horizon than the ring has" }
            if let chain {
                if chain.descriptors.count > size { state.problem = "a chain longer than the ring" }
                for index in 0..<chain.descriptors.count where chain.descriptors[index].isDeviceWritable {
                    let piece = chain.descriptors[index]
                    let (last, overflow) = piece.address.rawValue.addingReportingOverflow(UInt64(piece.byteCount) &- 1)
                    if piece.byteCount > 0 { state.writable.append(piece.address.rawValue...(overflow ? .max : last)) }
                }
            }
            state.outstanding.append((token, chain))
        }
    }

    func pushed(_ token: BufferToken, _ byteCount: UInt32) {
        state.withLock { state in
            guard let index = state.outstanding.firstIndex(where: { $0.token == token }) else {
                state.problem = "a used entry for a chain that was not popped"
                return
            }
            let chain = state.outstanding.remove(at: index).chain
            let room = chain.map { ChainWriter($0).remainingByteCount } ?? 0
            if UInt64(byteCount) > room { state.problem = "\(byteCount) bytes used of a chain with room for \(room)" }
        }
    }

    /// After a step: only the ring and the writable pieces of chains may have changed.
    func compare(_ before: [UInt8], _ after: [UInt8], startingAt start: GuestAddress) {
        guard before != after else { return }
        state.withLock { state in
            for offset in before.indices where before[offset] != after[offset] {
                let address = start.rawValue + UInt64(offset)
                if !(ring + state.writable).contains(where: { $0.contains(address) }) {
                    state.problem = "a byte at 0x\(String(address, radix: 16)) was written, which is no one's to write"
                }
            }
            if state.outstanding.isEmpty { state.writable = [] }
        }
    }

    func forgetChains() {
        state.withLock { state in
            (state.outstanding, state.writable) = ([], [])
        }
    }
}

/// A queue that is looked at.
struct WatchedQueue: Virtqueue {
    private var queue: any Virtqueue
    private let watch: RingWatch

    init(_ queue: any Virtqueue, _ watch: RingWatch) {
        (self.queue, self.watch) = (queue, watch)
    }

    mutating func publishedHorizon(in memory: MemoryMap) throws(QueueError) -> Horizon {
        watch.horizonWasRead()
        return try queue.publishedHorizon(in: memory)
    }

    mutating func pop(upTo horizon: Horizon, in memory: MemoryMap) throws(QueueError) -> AvailableBuffer? {
        let buffer = try queue.pop(upTo: horizon, in: memory)
        switch buffer {
        case .chain(let chain): watch.popped(chain.token, chain)
        case .malformed(let token, _): watch.popped(token, nil)
        case nil: break
        }
        return buffer
    }

    mutating func push(_ token: BufferToken, writtenByteCount: UInt32, in memory: MemoryMap) throws(QueueError) {
        watch.pushed(token, writtenByteCount)
        try queue.push(token, writtenByteCount: writtenByteCount, in: memory)
    }

    mutating func publish(in memory: MemoryMap) throws(QueueError) -> Bool { try queue.publish(in: memory) }

    mutating func requestNotification(in memory: MemoryMap) throws(QueueError) -> Bool {
        try queue.requestNotification(in: memory)
    }
}
