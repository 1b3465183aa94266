import GuestMemory
import Virtio

/// One round of the flush worker, step by step: take, sync, complete. The queue lives on from round to round.
struct Round {
    private var queue: any Virtqueue
    private let durability: Durability
    private let onEvent: @Sendable (PMemEvent) -> Void

    private var requests: [Request] = []
    private var malformed: [BufferToken] = []
    private var succeeded = false
    /// A guest must not be able to fill a log, so each activation complains once.
    private var hasComplained = false

    init(
        queue: any Virtqueue, durability: Durability,
        onEvent: @escaping @Sendable (PMemEvent) -> Void
    ) {
        self.queue = queue
        self.durability = durability
        self.onEvent = onEvent
    }

    /// Rounds until nothing is left to take, or somebody wants the worker to stop.
    ///
    /// - Parameters:
    ///   - interrupt: tells the driver of answers.
    ///   - memory: asked anew for each round, since memory may have been plugged meanwhile.
    ///   - pause: waits for some nanoseconds at most; less when somebody wants the worker to stop.
    mutating func serve(
        _ rule: HorizonRule, interrupt: any InterruptLine, memory: () -> MemoryMap, isStopping: () -> Bool,
        pause: (UInt64) -> Void
    ) throws(QueueError) {
        var hasMore = true
        while hasMore, !isStopping() {
            let memory = memory()
            try take(in: memory)
            if waitForTurn(isStopping, pause) {
                // Whoever came meanwhile shares the sync, which has not begun.
                if isStopping() { return }
                try take(in: memory)
            }
            sync()
            if rule == .readAgainAfterSync { try take(in: memory) }
            // The driver asked for a reset during the sync: the ring is as good as gone.
            if isStopping() { return }
            if try complete(in: memory) { interrupt.signal() }
            hasMore = try requestNotification(in: memory)
        }
    }

    /// Reads the horizon and takes every request before it.
    private mutating func take(in memory: MemoryMap) throws(QueueError) {
        let horizon = try queue.publishedHorizon(in: memory)
        while let buffer = try queue.pop(upTo: horizon, in: memory) {
            switch buffer {
            case .chain(let chain):
                let request = Request(chain, in: memory)
                if let problem = request.problem { complain(.malformedRequest(problem)) }
                requests.append(request)
            case .malformed(let token, let error):
                complain(.malformedChain(error))
                malformed.append(token)
            }
        }
    }

    /// Waits until the limit allows a sync, if there is to be one.
    ///
    /// - Returns: whether that took time.
    private func waitForTurn(_ isStopping: () -> Bool, _ pause: (UInt64) -> Void) -> Bool {
        guard requests.contains(where: { $0.problem == nil }) else { return false }
        var hasWaited = false
        while !isStopping() {
            let delay = durability.takeTurn()
            if delay == 0 { break }
            if !hasWaited { durability.recordThrottling() }
            hasWaited = true
            pause(delay)
        }
        return hasWaited
    }

    /// One sync for all that was taken; none if there is no flush among it.
    private mutating func sync() {
        let flushCount = requests.count { $0.problem == nil }
        succeeded = flushCount > 0 && durability.flush(onEvent)
    }

    /// Answers and returns all that was taken. For each request the answer comes before its used entry, and the used index
    /// after all of them (virtio 1.3, section 2.7.8.2).
    ///
    /// - Returns: whether the driver wants an interrupt.
    private mutating func complete(in memory: MemoryMap) throws(QueueError) -> Bool {
        let flushCount = requests.count { $0.problem == nil }
        durability.record(
            flushes: flushCount, succeeded: succeeded, malformed: malformed.count + requests.count - flushCount)
        for request in requests {
            let written = answer(request, in: memory)
            try queue.push(request.token, writtenByteCount: written, in: memory)
        }
        // Where a chain cannot be believed there is no place for an answer: it goes back unused.
        for token in malformed { try queue.push(token, writtenByteCount: 0, in: memory) }
        requests.removeAll(keepingCapacity: true)
        malformed.removeAll(keepingCapacity: true)
        return try queue.publish(in: memory)
    }

    private mutating func requestNotification(in memory: MemoryMap) throws(QueueError) -> Bool {
        try queue.requestNotification(in: memory)
    }

    private mutating func answer(_ request: Request, in memory: MemoryMap) -> UInt32 {
        do throws(GuestMemoryError) {
            return try request.answer(succeeded: request.problem == nil && succeeded, in: memory)
        } catch {
            complain(.unwritableAnswer(error))
            return 0
        }
    }

    private mutating func complain(_ event: PMemEvent) {
        if !hasComplained { onEvent(event) }
        hasComplained = true
    }
}
