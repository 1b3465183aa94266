import Host

/// Reads the signals that ask the process to end, on a thread of its own, so that no work of another thread makes the
/// process deaf.
///
/// The first signal is the control plane's to act on. Where that does not come to an end, a second one ends the
/// process at once; so does the first while the machine is still being made and something there blocks.
final class EndingSignals: Sendable {
    private struct State {
        var first: CInt?
        /// The control plane acts on signals.
        var isWatched = false
        /// What the guest wrote to these may not be durable yet.
        var unsynchronizedFiles: [String] = []
    }

    /// How long the making of the machine may take after a signal, in milliseconds.
    private static let startLimit: Int32 = 1000

    /// How long an end at once waits for the file systems of the pid file and the sockets, in milliseconds.
    private static let removalLimit: Int32 = 500

    /// More than a machine with a device in every slot has open.
    private static let descriptorCount: CInt = 511

    private let signals: SignalDescriptor
    private let arrival: EventFD
    private let watchBegins: EventFD
    private let state = ConditionLock(State())

    /// Blocks the signals in this thread and in those that it starts later.
    init() throws(SystemCallError) {
        signals = try SignalDescriptor.forEnding()
        arrival = try EventFD()
        watchBegins = try EventFD()
        Process.makeRoomForDescriptors(upTo: Self.descriptorCount)
        _ = try HostThread(name: "signals") { [self] in listen() }
    }

    /// The signal that came first; nil while none has come.
    var first: CInt? { state.withLock { $0.first } }

    /// To wait for: ready once a signal has come.
    var interest: Poll.Interest { Poll.Interest(arrival.rawDescriptor) }

    /// From now on the control plane acts on the first signal.
    func beginWatch() {
        state.withLock { $0.isWatched = true }
        watchBegins.signal()
    }

    /// Says which files a process that ends at once may leave behind without what the guest wrote last.
    func setUnsynchronizedFiles(_ paths: [String]) { state.withLock { $0.unsynchronizedFiles = paths } }

    private func listen() {
        while true {
            _ = try? Poll.wait([Poll.Interest(signals.rawDescriptor)])
            while let signal = signals.next() { take(signal) }
        }
    }

    private func take(_ signal: CInt) {
        let (isFirst, isWatched) = state.withLock { state in
            defer { if state.first == nil { state.first = signal } }
            return (state.first == nil, state.isWatched)
        }
        arrival.signal()
        if isFirst {
            if isWatched { return }
            let begins = Poll.Interest(watchBegins.rawDescriptor)
            let ready = try? Poll.wait([begins, Poll.Interest(signals.rawDescriptor)], timeout: Self.startLimit)
            if ready?.first == true { return }
        }
        endAtOnce(signal)
    }

    private func endAtOnce(_ signal: CInt) -> Never {
        let files = state.withLock { $0.unsynchronizedFiles }
        let warning = files.map { "; what the guest wrote to '\($0)' since its last flush may be lost" }.joined()
        RawTerminal.giveBack()
        StandardStream.error.write("needletail: terminating at once on signal \(signal)\(warning)\n")
        OwnNames.removeAll(limit: Self.removalLimit)
        Process.endAtOnce(status: 128 + signal)
    }
}
