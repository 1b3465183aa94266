import Host
import Synchronization

/// A monitor on the process's standard input and output, whatever these are: a terminal, a pipe, a file. One thread
/// waits for both, so that a slow reader blocks no other thread.
final class StandardStreamsMonitor: Sendable {
    private struct State {
        var pending: [UInt8] = []
        var isEnding = false
    }

    private let state: Mutex<State>
    private let arrival: EventFD
    private let terminal: RawTerminal?
    private let thread: Mutex<HostThread?>

    /// - Parameter isForPeople: a terminal is put into raw mode, since the session does the echo; Ctrl-C still ends
    ///   the program.
    init(isForPeople: Bool, makeSession: Clients.SessionMaker) throws {
        let (input, output) = (
            SharedDescriptor(try OwnedDescriptor.standard(0)), SharedDescriptor(try OwnedDescriptor.standard(1))
        )
        state = Mutex(State())
        arrival = try EventFD()
        terminal = isForPeople ? RawTerminal(0, keepsSignals: true) : nil
        thread = Mutex(nil)
        let session = makeSession { [weak self] in self?.append($0) }
        let newThread = try HostThread(name: "monitor", stackByteCount: SessionThread.stackByteCount) { [weak self] in
            session.open()
            var isOpen = true
            while let self, self.step(session, input: isOpen ? input : nil, output, &isOpen) {}
            session.close()
        }
        thread.withLock { $0 = newThread }
    }

    /// Writes what waits, for a moment at most, and gives the terminal back.
    func finish() {
        state.withLock { $0.isEnding = true }
        arrival.signal()
        thread.withLock { $0 }?.join()
        terminal?.restore()
    }

    private func append(_ bytes: [UInt8]) {
        let isFull = state.withLock { state in
            guard state.pending.count + bytes.count <= Outbox.maximumByteCount else { return true }
            state.pending += bytes
            return false
        }
        if !isFull { arrival.signal() }
    }

    /// Waits for something to do and does it.
    ///
    /// - Returns: false at the end.
    private func step(
        _ session: any MonitorSession, input: SharedDescriptor?, _ output: SharedDescriptor, _ isOpen: inout Bool
    ) -> Bool {
        let (hasOutput, isEnding) = state.withLock { (!$0.pending.isEmpty, $0.isEnding) }
        guard hasOutput || !isEnding else { return false }
        var interests = [Poll.Interest(arrival.rawDescriptor)]
        if hasOutput { interests.append(Poll.Interest(output.rawValue, forOutput: true)) }
        if let input, !isEnding { interests.append(Poll.Interest(input.rawValue)) }
        guard let ready = try? Poll.wait(interests, timeout: isEnding ? 500 : nil), ready.contains(true) else {
            return false
        }
        arrival.clear()
        if hasOutput, ready[1] { write(to: output) }
        if let input, !isEnding, ready.last == true { isOpen = read(from: input, session) }
        return true
    }

    /// - Returns: false when there will be no more.
    private func read(from input: SharedDescriptor, _ session: any MonitorSession) -> Bool {
        switch input.with({ $0.readAvailable(capacity: 4096) }) {
        case .bytes(let bytes): session.receive(bytes)
        case .none: break
        case .end: return false
        }
        return true
    }

    /// Writes pending bytes; if the write fails (the reader is gone), drops them.
    private func write(to output: SharedDescriptor) {
        let bytes = state.withLock { $0.pending }
        let result = output.with { $0.writeOnce(bytes.prefix(4096)) }
        state.withLock { state in
            switch result {
            case .written(let count): state.pending.removeFirst(count)
            case .failed: state.pending = []
            }
        }
    }
}
