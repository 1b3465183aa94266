import GuestMemory
import Host
import Synchronization
import Virtio

/// When a round of the flush worker looks for requests.
package enum HorizonRule: Sendable {
    /// Before the sync, once: the rule that holds.
    case readOnce
    /// After the sync once more, answering what came meanwhile with its result. Broken on purpose, so that the tests
    /// of the rule can be seen to fail.
    case readAgainAfterSync
}

/// Serves the request queue of one activation on a thread of its own, which blocks on the doorbell.
///
/// Each round reads the available index once, the horizon; takes every request before it; syncs once for all of them; and
/// answers them. A request that comes later waits for the next round, since the stores that it is about may have missed
/// this round's sync.
final class FlushWorker: Sendable {
    private enum Life {
        case running
        case stopping(@Sendable () -> Void)
        case ended
    }

    private let activation: Activation
    private let requestQueue: QueueActivation
    private let doorbell: EventFD
    private let durability: Durability
    private let rule: HorizonRule
    private let onEvent: @Sendable (PMemEvent) -> Void
    private let life = Mutex(Life.running)

    init(
        _ activation: Activation, requestQueue: QueueActivation, doorbell: EventFD, durability: Durability,
        rule: HorizonRule, onEvent: @escaping @Sendable (PMemEvent) -> Void
    ) {
        self.activation = activation
        self.requestQueue = requestQueue
        self.doorbell = doorbell
        self.durability = durability
        self.rule = rule
        self.onEvent = onEvent
    }

    /// Starts the thread. It keeps itself alive until `stop`.
    func start(name: String) throws(SystemCallError) {
        _ = try HostThread(name: name) { self.run() }
    }

    /// Ends the work. A sync in flight ends first, and is answered no more.
    ///
    /// - Parameter completion: called once nothing touches the ring any more.
    func stop(_ completion: @escaping @Sendable () -> Void) {
        let hasEnded = life.withLock { life in
            if case .ended = life { return true }
            life = .stopping(completion)
            return false
        }
        hasEnded ? completion() : doorbell.signal()
    }

    private var isStopping: Bool {
        life.withLock { if case .running = $0 { false } else { true } }
    }

    private func run() {
        var round = Round(
            queue: requestQueue.makeQueue(features: activation.features), durability: durability, onEvent: onEvent)
        var isBroken = false
        while !isStopping {
            do throws(SystemCallError) { try doorbell.wait() } catch {
                onEvent(.doorbellFailed(error))
                activation.needsReset()
                break
            }
            if !isBroken { isBroken = !serve(&round) }
        }
        end()
    }

    /// Rounds until nothing is left to take.
    ///
    /// - Returns: whether the queue still makes sense.
    private func serve(_ round: inout Round) -> Bool {
        do throws(QueueError) {
            let memory = activation.memory
            try round.serve(
                rule, interrupt: requestQueue.interrupt, memory: { memory.map }, isStopping: { isStopping },
                pause: pause)
            return true
        } catch {
            onEvent(.queueBroken(error))
            activation.needsReset()
            return false
        }
    }

    /// Waits; `stop` ends it. A limit that changes meanwhile is seen after a tenth of a second.
    private func pause(_ nanoseconds: UInt64) {
        let milliseconds = Int32(clamping: min((nanoseconds &+ 999_999) / 1_000_000, 100))
        _ = try? Poll.wait([Poll.Interest(doorbell.rawDescriptor)], timeout: milliseconds)
        // What it rang for is looked for after the pause in any case.
        doorbell.clear()
    }

    private func end() {
        let completion: (@Sendable () -> Void)? = life.withLock { life in
            defer { life = .ended }
            if case .stopping(let completion) = life { return completion }
            return nil
        }
        completion?()
    }
}
