import Host

/// Runs a session on a thread of its own, so that a command that takes long delays no client but the one that sent it.
final class SessionThread: Sendable {
    private struct State: Sendable {
        /// What the client sent and the session has not taken yet.
        var waiting: [UInt8] = []
        var hasInputEnded = false
        /// What waits is dropped.
        var isEnding = false
    }

    /// What the owner is told, on the session's thread.
    struct Owner: Sendable {
        /// The session has taken what waited: there is room for more.
        let hasRoom: @Sendable () -> Void
        /// Everything that the client sent has been carried out, and the session is closed.
        let ended: @Sendable () -> Void
    }

    /// How much waits before the client is not read from any more, in bytes.
    static let waitingByteCount = 64 << 10
    /// Of the stack, in bytes: a value of JSON that nests as deeply as it may is released level by level.
    static let stackByteCount = 2 << 20

    private let state = ConditionLock(State())
    /// Signalled when the thread is done with the session.
    private let done: EventFD

    init() throws(SystemCallError) { done = try EventFD(initialValue: 0) }

    /// Begins with `session.open()`.
    ///
    /// - Throws: when the host has no thread left.
    func start(_ session: any MonitorSession, _ owner: Owner) throws(SystemCallError) {
        let (state, done) = (state, done)
        _ = try HostThread(name: "monitor", stackByteCount: Self.stackByteCount) {
            session.open()
            while let bytes = Self.next(state) {
                session.receive(bytes)
                owner.hasRoom()
            }
            session.close()
            done.signal()
            owner.ended()
        }
    }

    /// Takes what the client sent.
    ///
    /// - Returns: whether there is room for more.
    func receive(_ bytes: [UInt8]) -> Bool {
        state.withLock { state in
            state.waiting += bytes
            return state.waiting.count < Self.waitingByteCount
        }
    }

    /// The client sends no more. What it sent is still carried out.
    func endInput() { state.withLock { $0.hasInputEnded = true } }

    /// Drops what was sent and not begun, and waits some seconds for a command that is being carried out.
    func finish() {
        state.withLock { $0.isEnding = true }
        _ = try? Poll.wait([done.interest], timeout: 2000)
    }

    /// - Returns: nil when nothing more is to come.
    private static func next(_ state: ConditionLock<State>) -> [UInt8]? {
        state.wait(while: { $0.waiting.isEmpty && !$0.hasInputEnded && !$0.isEnding }) { state in
            guard !state.isEnding, !state.waiting.isEmpty else { return nil }
            defer { state.waiting = [] }
            return state.waiting
        }
    }
}
