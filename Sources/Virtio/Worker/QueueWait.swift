import Host
import Synchronization

/// How a handler waits for something outside. Every wait ends early when the driver notifies the device, and when it
/// resets it.
public struct QueueWait: Sendable {
    private let doorbell: EventFD
    private let life: WorkerLife

    /// Waits that no reset ends.
    package init(doorbell: EventFD) { self.init(doorbell: doorbell, life: WorkerLife()) }

    init(doorbell: EventFD, life: WorkerLife) {
        self.doorbell = doorbell
        self.life = life
    }

    /// Whether the driver has asked for a reset: nothing is to be answered any more.
    public var isOver: Bool { life.isStopping }

    /// Waits for some time, a tenth of a second at most, so that a limit that changes meanwhile is seen.
    public func pause(nanoseconds: UInt64) {
        let milliseconds = nanoseconds / 1_000_000 + (nanoseconds % 1_000_000 == 0 ? 0 : 1)
        wait([Poll.Interest(doorbell.rawDescriptor)], timeout: Int32(clamping: min(milliseconds, 100)))
    }

    /// Waits until a descriptor can be read, or its other side has closed it.
    ///
    /// - Returns: whether that is so; false when something else ended the wait.
    public func untilReadable(_ descriptor: CInt) -> Bool {
        let ready = wait([Poll.Interest(doorbell.rawDescriptor), Poll.Interest(descriptor)], timeout: nil)
        return ready.last ?? false
    }

    @discardableResult
    private func wait(_ interests: [Poll.Interest], timeout: Int32?) -> [Bool] {
        guard !isOver else { return [] }
        let ready = try? Poll.wait(interests, timeout: timeout)
        // The queue is checked after the wait, so what the doorbell said is not lost.
        doorbell.clear()
        return ready ?? []
    }
}

/// Whether a worker is to go on. Asked for several times in each round, so the question takes no lock.
final class WorkerLife: Sendable {
    private enum State {
        case running
        case stopping(@Sendable () -> Void)
        case ended
    }

    private let state = Mutex(State.running)
    private let stopping = Atomic<Bool>(false)

    var isStopping: Bool { stopping.load(ordering: .acquiring) }

    /// - Parameter completion: called once the worker has ended; at once if it has.
    func stop(_ completion: @escaping @Sendable () -> Void) {
        let hasEnded = state.withLock { state in
            if case .ended = state { return true }
            state = .stopping(completion)
            stopping.store(true, ordering: .releasing)
            return false
        }
        if hasEnded { completion() }
    }

    /// The worker touches nothing any more.
    func end() {
        let completion: (@Sendable () -> Void)? = state.withLock { state in
            defer { state = .ended }
            if case .stopping(let completion) = state { return completion }
            return nil
        }
        completion?()
    }
}
