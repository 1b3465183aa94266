public import Host
import Synchronization

/// Serves one queue of a device, on a thread of its own that blocks on the doorbell, from activation to reset.
///
/// Each round reads the available index once, the horizon; takes every request before it; lets the handler work on
/// them; and returns those that are done. A request that becomes available later waits for the next round.
public final class QueueWorker: Sendable {
    /// How the rounds follow each other; `QueueRounds.serve` but in tests of what that promises.
    package typealias Service = @Sendable (inout QueueRounds) throws(QueueError) -> Void

    /// Signalled when the driver writes the queue's doorbell.
    public let doorbell: EventFD
    private let name: String
    private let makeHandler: @Sendable () -> any QueueHandler
    private let service: Service
    private let onEvent: @Sendable (QueueEvent) -> Void
    private let current = Mutex<WorkerRun?>(nil)

    /// - Parameters:
    ///   - name: the thread's; the kernel keeps 15 bytes.
    ///   - onEvent: called on the worker's thread.
    ///   - makeHandler: called on the worker's thread, once for each activation.
    /// - Throws: when the host has no eventfd left.
    public convenience init(
        name: String, onEvent: @escaping @Sendable (QueueEvent) -> Void,
        makeHandler: @escaping @Sendable () -> any QueueHandler
    ) throws(SystemCallError) {
        try self.init(
            name: name, service: { (rounds) throws(QueueError) in try rounds.serve() }, onEvent: onEvent,
            makeHandler: makeHandler)
    }

    package init(
        name: String, service: @escaping Service, onEvent: @escaping @Sendable (QueueEvent) -> Void,
        makeHandler: @escaping @Sendable () -> any QueueHandler
    ) throws(SystemCallError) {
        doorbell = try EventFD()
        self.name = name
        self.service = service
        self.onEvent = onEvent
        self.makeHandler = makeHandler
    }

    /// Begins to serve a queue of an activation; does nothing if the driver has not enabled it.
    ///
    /// - Throws: when the host has no thread left.
    public func start(_ activation: Activation, queue index: Int) throws(SystemCallError) {
        guard activation.queues.indices.contains(index), let queue = activation.queues[index] else { return }
        let run = WorkerRun(activation, queue, doorbell: doorbell, service: service, onEvent: onEvent)
        let makeHandler = makeHandler
        _ = try HostThread(name: name) { run.run(makeHandler()) }
        current.withLock { $0 = run }
    }

    /// Ends the work. What the handler waits for in the kernel ends first, and is answered no more.
    ///
    /// - Parameter completion: called once nothing touches the ring any more, on any thread.
    public func stop(_ completion: @escaping @Sendable () -> Void) {
        let run = current.withLock { current in
            defer { current = nil }
            return current
        }
        guard let run else { return completion() }
        run.stop(completion)
    }
}

/// A worker's time from one activation to its reset.
private final class WorkerRun: Sendable {
    private let activation: Activation
    private let queue: QueueActivation
    private let doorbell: EventFD
    private let service: QueueWorker.Service
    private let onEvent: @Sendable (QueueEvent) -> Void
    private let life = WorkerLife()

    init(
        _ activation: Activation, _ queue: QueueActivation, doorbell: EventFD, service: @escaping QueueWorker.Service,
        onEvent: @escaping @Sendable (QueueEvent) -> Void
    ) {
        self.activation = activation
        self.queue = queue
        self.doorbell = doorbell
        self.service = service
        self.onEvent = onEvent
    }

    func stop(_ completion: @escaping @Sendable () -> Void) {
        life.stop(completion)
        doorbell.signal()
    }

    func run(_ handler: any QueueHandler) {
        var rounds = QueueRounds(
            queue.makeQueue(features: activation.features), size: queue.size, handler: handler,
            memory: activation.memory, interrupt: queue.interrupt, wait: QueueWait(doorbell: doorbell, life: life),
            onEvent: onEvent)
        var isBroken = false
        while !life.isStopping {
            do throws(SystemCallError) { try doorbell.wait() } catch {
                onEvent(.doorbellFailed(error))
                activation.needsReset()
                break
            }
            if !isBroken { isBroken = !serve(&rounds) }
        }
        life.end()
    }

    /// - Returns: whether the queue still makes sense.
    private func serve(_ rounds: inout QueueRounds) -> Bool {
        do throws(QueueError) {
            try service(&rounds)
            return true
        } catch {
            onEvent(.broken(error))
            activation.needsReset()
            return false
        }
    }
}
