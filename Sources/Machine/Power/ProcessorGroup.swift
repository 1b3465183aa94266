import Host
import KVM

/// The machine's vCPUs, one thread each: started, paused, resumed and ended together.
final class ProcessorGroup: Sendable {
    private enum Order: Sendable {
        case run, pause, end
    }

    /// How long a vCPU that cannot go on waits.
    private enum Rest {
        case none, forGood
        case untilResumption(after: UInt64)

        func holds(in state: State) -> Bool {
            switch self {
            case .none: false
            case .forGood: true
            case .untilResumption(let count): state.resumptions == count
            }
        }
    }

    private struct State: Sendable {
        var order: Order
        /// How many threads are in the guest or answering one of its exits.
        var running = 0
        /// How often the vCPUs were let go on.
        var resumptions: UInt64 = 0
    }

    private let processors: [VirtualCPU]
    private let faultCounters: [PageFaultCounters?]
    private let threads: [HostThread]
    private let state: ConditionLock<State>

    /// Starts a thread per vCPU; with `paused` they wait for `resume`.
    ///
    /// - Parameter onEnd: called on a vCPU's thread when that vCPU cannot go on. It then waits to be ended; after a
    ///   memory fault, for the next `resume` as well, with which it tries the same access again.
    init(
        _ processors: [VirtualCPU], handler: AddressDispatch, paused: Bool,
        onEnd: @escaping @Sendable (VirtualCPU, RunEnd) -> Void
    ) throws(SystemCallError) {
        // Threads wait here until all exist: if one cannot be created, none is in the guest yet.
        let state = ConditionLock(State(order: .pause))
        var threads: [HostThread] = []
        do throws(SystemCallError) {
            for processor in processors {
                threads.append(
                    try HostThread(name: "vcpu\(processor.index)") {
                        Self.loop(processor, handler, state, onEnd)
                    })
            }
        } catch {
            state.withLock { $0.order = .end }
            for thread in threads { thread.join() }
            throw error
        }
        self.processors = processors
        faultCounters = processors.map { PageFaultCounters($0) }
        self.state = state
        self.threads = threads
        if !paused { resume() }
    }

    /// The kernel's numbers of the threads.
    var threadIdentifiers: [CInt] { threads.map(\.identifier) }

    /// Each vCPU's faults on memory; nil where the kernel does not tell.
    var pageFaults: [PageFaultCounts?] { faultCounters.map { $0?.read() } }

    /// Stops every vCPU between two instructions; returns when none is in the guest any more.
    func pause() { stop(.pause) }

    /// Lets the vCPUs go on.
    func resume() {
        state.withLock { state in
            state.resumptions &+= 1
            if state.order == .pause { state.order = .run }
        }
    }

    /// Ends the threads; returns when they are gone. Not from a vCPU's own thread.
    func end() {
        stop(.end)
        for thread in threads { thread.join() }
    }

    private func stop(_ order: Order) {
        state.withLock { if $0.order != .end { $0.order = order } }
        // A kick can come just before the thread blocks in a system call outside of KVM_RUN, so it is repeated
        // until no thread runs.
        while state.withLock({ $0.running }) > 0 {
            Self.interrupt(processors, threads)
            Sleep.milliseconds(1)
        }
    }

    private static func interrupt(_ processors: [VirtualCPU], _ threads: [HostThread]) {
        for processor in processors { processor.requestInterruption() }
        for thread in threads { thread.kick() }
    }

    private static func loop(
        _ processor: VirtualCPU, _ handler: AddressDispatch, _ state: ConditionLock<State>,
        _ onEnd: @Sendable (VirtualCPU, RunEnd) -> Void
    ) {
        var rest = Rest.none
        while true {
            let (order, resumptions) = state.wait(while: {
                $0.order == .pause || ($0.order == .run && rest.holds(in: $0))
            }) { state in
                if state.order == .run { state.running += 1 }
                return (state.order, state.resumptions)
            }
            guard order == .run else { return }
            let end = run(processor, handler, state)
            state.withLock { $0.running -= 1 }
            guard let end else { continue }
            if case .memoryFault = end { rest = .untilResumption(after: resumptions) } else { rest = .forGood }
            onEnd(processor, end)
        }
    }

    /// Runs until another order comes (nil) or the vCPU cannot go on.
    private static func run(
        _ processor: VirtualCPU, _ handler: AddressDispatch, _ state: ConditionLock<State>
    ) -> RunEnd? {
        while state.wait(while: { _ in false }, then: { $0.order == .run }) {
            let end = processor.run(handler)
            if end == .interrupted || handler.outlives(end, of: processor) { continue }
            return end
        }
        return nil
    }
}
