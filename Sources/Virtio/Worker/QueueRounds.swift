import GuestMemory

/// The rounds of a queue worker, step by step: take, work, finish. It needs no thread.
package struct QueueRounds {
    private var queue: any Virtqueue
    private var handler: any QueueHandler
    private let memory: GuestAddressSpace
    private let interrupt: any InterruptLine
    private let wait: QueueWait
    private let onEvent: @Sendable (QueueEvent) -> Void

    /// The buffers that were taken and not returned, the oldest first.
    private var tokens: [BufferToken] = []
    /// The queue's size: no driver has more buffers outstanding, but a hostile one may make the same ones available
    /// again.
    private let tokenLimit: Int
    /// A guest must not be able to fill a log, so each activation complains once.
    private var hasComplained = false

    package init(
        _ queue: any Virtqueue, size: UInt16, handler: any QueueHandler, memory: GuestAddressSpace,
        interrupt: any InterruptLine, wait: QueueWait, onEvent: @escaping @Sendable (QueueEvent) -> Void
    ) {
        self.queue = queue
        self.handler = handler
        self.memory = memory
        self.interrupt = interrupt
        self.wait = wait
        self.onEvent = onEvent
        tokenLimit = Int(size)
    }

    /// Whether the driver has asked for a reset.
    package var isOver: Bool { wait.isOver }

    /// Requests that were taken and have no answer yet.
    package var unansweredCount: Int { tokens.count }

    /// Rounds until nothing is left to take and to answer, or the driver asks for a reset.
    package mutating func serve() throws(QueueError) {
        var hasMore = true
        while hasMore, !isOver {
            try take()
            let count = work()
            // The driver asked for a reset meanwhile: the ring is as good as gone.
            if isOver { return }
            hasMore = try finish(count)
        }
    }

    /// Reads the horizon, once, and takes every request before it.
    package mutating func take() throws(QueueError) {
        let memory = memory.map
        var hasMalformed = false
        let horizon = try queue.publishedHorizon(in: memory)
        while tokens.count < tokenLimit, let buffer = try queue.pop(upTo: horizon, in: memory) {
            switch buffer {
            case .chain(let chain):
                if let problem = handler.take(chain, in: memory) { complain(.malformedRequest(problem)) }
                tokens.append(chain.token)
            case .malformed(let token, let error):
                handler.chainWasMalformed()
                complain(.malformedChain(error))
                // Where a chain cannot be believed there is no place for an answer: it goes back unused.
                try queue.push(token, writtenByteCount: 0, in: memory)
                hasMalformed = true
            }
        }
        if hasMalformed, try queue.publish(in: memory) { interrupt.signal() }
    }

    /// - Returns: how many requests can be answered.
    package mutating func work() -> Int { tokens.isEmpty ? 0 : min(handler.work(wait), tokens.count) }

    /// Answers and returns the oldest requests. For each the answer comes before its used entry, and the used index
    /// after all of them (virtio 1.3, section 2.7.8.2).
    ///
    /// - Returns: whether there is something left to do.
    package mutating func finish(_ count: Int) throws(QueueError) -> Bool {
        let memory = memory.map
        for token in tokens.prefix(count) {
            let written = answer(in: memory)
            try queue.push(token, writtenByteCount: written, in: memory)
        }
        if count > 0, try queue.publish(in: memory) { interrupt.signal() }
        if count == tokens.count { tokens.removeAll(keepingCapacity: true) } else { tokens.removeFirst(count) }
        if !tokens.isEmpty { return true }
        return try queue.requestNotification(in: memory)
    }

    private mutating func answer(in memory: MemoryMap) -> UInt32 {
        do throws(RequestError) { return try handler.answer(in: memory) } catch {
            complain(.malformedRequest(error))
            return 0
        }
    }

    private mutating func complain(_ event: QueueEvent) {
        if !hasComplained { onEvent(event) }
        hasComplained = true
    }
}
