public import Backend
import Glibc
public import Host
import Synchronization
import SystemPackage

/// A backend over anonymous memory whose syncs can be held up and made to fail.
public final class FakeBackend: MemoryBackend {
    private struct State {
        var started = 0
        var finished = 0
        /// How many syncs may end; nil: all.
        var allowance: Int?
        var failure: SystemCallError?
        var beforeEnd: @Sendable () -> Void = {}
    }

    public let id = "fake"
    public let byteCount: UInt64
    public let mapping: HostMapping
    public let reachesFile: Bool
    private let state = Mutex(State())

    public init(byteCount: Int = 2 << 20, reachesFile: Bool = true, readOnly: Bool = false) throws {
        self.byteCount = UInt64(byteCount)
        self.reachesFile = reachesFile
        mapping = try HostMapping(.anonymous(reserve: false), byteCount: byteCount, readOnly: readOnly)
    }

    /// How many syncs have begun, and how many of them have ended.
    public var startedCount: Int { state.withLock { $0.started } }
    public var finishedCount: Int { state.withLock { $0.finished } }

    /// Syncs that have begun or will begin wait until `release`.
    public func hold() { state.withLock { $0.allowance = 0 } }
    public func release() { state.withLock { $0.allowance = nil } }
    /// Lets this many of the held syncs end.
    public func release(_ count: Int) { state.withLock { $0.allowance = $0.allowance.map { $0 + count } } }

    /// What a sync does last, on the thread that asked for it.
    public func beforeEnd(_ body: @escaping @Sendable () -> Void) { state.withLock { $0.beforeEnd = body } }

    /// Later syncs fail with this error; nil: they succeed.
    public func fail(with errno: CInt?) {
        state.withLock { $0.failure = errno.map { SystemCallError(call: "fdatasync", errno: Errno(rawValue: $0)) } }
    }

    public func synchronize() throws(SystemCallError) {
        state.withLock { $0.started += 1 }
        while !mayEnd() { usleep(100) }
        state.withLock { $0.beforeEnd }()
        state.withLock { $0.finished += 1 }
        if let failure = state.withLock({ $0.failure }) { throw failure }
    }

    private func mayEnd() -> Bool {
        state.withLock { state in
            if state.allowance == 0 { return false }
            state.allowance = state.allowance.map { $0 - 1 }
            return true
        }
    }
}
