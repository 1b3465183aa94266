import Backend
import GuestMemory
import Host
import Synchronization
import TestSupport
import Virtio
@testable import VirtioPMem

/// Decisions of one run, so that all runs can be gone through: those of a prefix as they are given, then always the
/// first.
struct Schedule {
    private(set) var choices: [(taken: Int, count: Int)] = []
    private var position = 0

    mutating func choose(_ count: Int) -> Int {
        if position == choices.count { choices.append((0, count)) }
        defer { position += 1 }
        return choices[position].taken
    }

    /// The next schedule in order; nil after the last.
    func successor() -> Schedule? {
        var next = choices
        while let last = next.popLast() {
            guard last.taken + 1 < last.count else { continue }
            next.append((last.taken + 1, last.count))
            var result = Schedule()
            result.choices = next
            return result
        }
        return nil
    }
}

/// One run of the real worker's rounds and the real queue against a driver, in one thread. Before every operation of
/// the queue, and before and during a sync, the driver may make any number of its steps, as the schedule says. It is
/// the backend, too.
final class ScheduledRun: MemoryBackend {
    private struct State {
        var schedule: Schedule
        var queue: any DriverQueue
        /// Two for each request: store, publish.
        var stepsLeft: Int
        var isRinging = false
        /// Counts everything that happens.
        var clock = 0
        var storedAt: [Int] = []
        var publishedAt: [Int] = []
        /// By the id that the queue gave.
        var requests: [UInt16: Int] = [:]
        var lastFinishedSync = -1
        var answered: Set<Int> = []
        var tooEarly: Set<Int> = []
    }

    struct Result: Equatable {
        var answeredCount = 0
        var tooEarlyCount = 0
    }

    let id = "scheduled"
    let byteCount: UInt64 = 4096
    let mapping: HostMapping
    let reachesFile = true
    private let ram: GuestRAM
    private let fields: GuestAddress
    private let rule: HorizonRule
    private let features: UInt64
    private let state: Mutex<State>

    init(
        _ schedule: Schedule, layout: RingLayout, eventIndex: Bool, requestCount: Int, rule: HorizonRule
    ) throws {
        mapping = try HostMapping(.anonymous(reserve: false), byteCount: 4096)
        let ram = try GuestRAM(byteCount: 64 << 10)
        self.ram = ram
        self.rule = rule
        features = layout.features(eventIndex: eventIndex)
        fields = try ram.allocate(16 * requestCount)
        state = Mutex(
            State(
                schedule: schedule, queue: try layout.makeDriverQueue(ram, size: 8, eventIndex: eventIndex),
                stepsLeft: 2 * requestCount))
    }

    /// Runs to the end.
    ///
    /// - Returns: how many requests were answered, and how many of them too early; and the schedule as it came out.
    func run() throws -> (Result, Schedule) {
        let activation = state.withLock { $0.queue.activation() }
        var rounds = QueueRounds(
            SteppedQueue(base: activation.makeQueue(features: features), run: self), size: activation.size,
            handler: FlushHandler(Durability(of: self), onEvent: { _ in }), memory: ram.memory,
            interrupt: NoInterrupt(), wait: QueueWait(doorbell: try EventFD()), onEvent: { _ in })
        while true {
            while takeRing() {
                try rule.service(&rounds)
            }
            // The worker waits; whatever the driver has left to do comes now.
            guard stepDriver() else { break }
        }
        look()
        return state.withLock { state in
            (Result(answeredCount: state.answered.count, tooEarlyCount: state.tooEarly.count), state.schedule)
        }
    }

    private func takeRing() -> Bool {
        state.withLock { state in
            defer { state.isRinging = false }
            return state.isRinging
        }
    }

    /// A point at which the driver may run.
    func interleave() {
        while state.withLock({ $0.stepsLeft > 0 && $0.schedule.choose(2) == 1 }) { _ = stepDriver() }
        look()
    }

    /// - Returns: false when nothing is left to do.
    private func stepDriver() -> Bool {
        state.withLock { state in
            guard state.stepsLeft > 0 else { return false }
            state.stepsLeft -= 1
            state.clock += 1
            if state.stepsLeft % 2 == 1 {
                state.storedAt.append(state.clock)
                return true
            }
            let request = state.publishedAt.count
            let field = GuestAddress(fields.rawValue + 16 * UInt64(request))
            let status = GuestAddress(field.rawValue + 8)
            do {
                try ram.map.store(UInt32.max, at: status)
                state.requests[try state.queue.add([.readable(field, 4), .writable(status, 4)])] = request
                if try state.queue.publish() { state.isRinging = true }
            } catch { return false }
            state.publishedAt.append(state.clock)
            return true
        }
    }

    /// What the driver sees now: an answer is right if a sync that began after its request was published has ended.
    private func look() {
        state.withLock { state in
            while let used = (try? state.queue.takeUsed()).flatMap({ $0 }), let request = state.requests[used.id] {
                state.requests[used.id] = nil
                state.answered.insert(request)
                if state.lastFinishedSync <= state.publishedAt[request] { state.tooEarly.insert(request) }
            }
        }
    }

    func synchronize() throws(SystemCallError) {
        interleave()
        let begin = state.withLock { state in
            state.clock += 1
            return state.clock
        }
        interleave()
        state.withLock { $0.lastFinishedSync = begin }
    }
}

/// The real queue, with a point before each operation at which the driver may run.
private struct SteppedQueue: Virtqueue {
    var base: any Virtqueue
    let run: ScheduledRun

    mutating func publishedHorizon(in memory: MemoryMap) throws(QueueError) -> Horizon {
        run.interleave()
        return try base.publishedHorizon(in: memory)
    }

    mutating func pop(upTo horizon: Horizon, in memory: MemoryMap) throws(QueueError) -> AvailableBuffer? {
        run.interleave()
        return try base.pop(upTo: horizon, in: memory)
    }

    mutating func push(_ token: BufferToken, writtenByteCount: UInt32, in memory: MemoryMap) throws(QueueError) {
        run.interleave()
        try base.push(token, writtenByteCount: writtenByteCount, in: memory)
    }

    mutating func publish(in memory: MemoryMap) throws(QueueError) -> Bool {
        run.interleave()
        return try base.publish(in: memory)
    }

    mutating func requestNotification(in memory: MemoryMap) throws(QueueError) -> Bool {
        run.interleave()
        return try base.requestNotification(in: memory)
    }
}
