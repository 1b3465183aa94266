import GuestMemory
import Virtio

/// Answers the requests of one activation. All that are taken before a sync begins share its result; one that becomes
/// available later waits for the next, since the stores that it is about may have missed this one.
struct FlushHandler: QueueHandler {
    private let durability: Durability
    private let onEvent: @Sendable (PMemEvent) -> Void

    private var requests: [Request] = []
    private var answeredCount = 0
    /// What the last sync said.
    private var succeeded = false
    private var isThrottled = false

    init(_ durability: Durability, onEvent: @escaping @Sendable (PMemEvent) -> Void) {
        self.durability = durability
        self.onEvent = onEvent
    }

    mutating func take(_ chain: DescriptorChain, in memory: MemoryMap) -> RequestError? {
        let request = Request(chain, in: memory)
        requests.append(request)
        return request.problem
    }

    mutating func chainWasMalformed() { durability.figures.recordMalformedChain() }

    /// One sync for all flushes; none if there is no flush.
    mutating func work(_ wait: QueueWait) -> Int {
        guard requests.contains(where: { $0.problem == nil }) else { return requests.count }
        if durability.syncs {
            let delay = durability.limiter.takeTurn()
            guard delay == 0 else {
                if !isThrottled { durability.figures.recordThrottling() }
                isThrottled = true
                wait.pause(nanoseconds: delay)
                return 0
            }
        }
        isThrottled = false
        succeeded = durability.flush(onEvent)
        return requests.count
    }

    mutating func answer(in memory: MemoryMap) throws(RequestError) -> UInt32 {
        if answeredCount == 0 { recordBatch() }
        defer {
            answeredCount += 1
            if answeredCount == requests.count {
                requests.removeAll(keepingCapacity: true)
                answeredCount = 0
            }
        }
        let isFlush = requests[answeredCount].problem == nil
        return try requests[answeredCount].answer(succeeded: isFlush && succeeded, in: memory)
    }

    private func recordBatch() {
        let flushCount = requests.count { $0.problem == nil }
        durability.figures.recordBatch(
            flushes: flushCount, succeeded: succeeded, malformed: requests.count - flushCount)
    }
}
