public import Backend
public import Host
import Synchronization

/// What a flush means for a device's storage.
public enum FlushPolicy: Sendable {
    /// A flush succeeds when the file has the guest's stores, and fails where there is no file to have them.
    case syncBackend
    /// The user said that the data is to be thrown away: a flush succeeds and does nothing.
    case discardOnPowerOff
}

/// What flushes do to a backend, and what has come of them. It is there as long as the backend is: through resets,
/// reboots, and an unplugged device that comes back.
public final class Durability: Sendable {
    public let backend: any MemoryBackend
    public let policy: FlushPolicy
    /// The failed sync, if there was one.
    public let latch = FailureLatch()
    /// How often flushes may sync.
    public let limiter: FlushLimiter
    public let figures = FlushFigures()
    /// In nanoseconds.
    private let now: @Sendable () -> UInt64
    private let hasAnnouncedNotDurable = Atomic<Bool>(false)

    /// - Parameter now: a clock that only goes forward, in nanoseconds.
    public init(
        of backend: any MemoryBackend, policy: FlushPolicy = .syncBackend,
        now: @escaping @Sendable () -> UInt64 = { MonotonicTime.nanoseconds }
    ) {
        self.backend = backend
        self.policy = policy
        self.now = now
        limiter = FlushLimiter(now: now)
    }

    /// Makes durable what guests stored, at the end of a device or a machine; does nothing where there is nothing to
    /// keep, and in a power-cut test, where only guests' own flushes make anything durable.
    ///
    /// - Throws: the kernel's reason, or the one of an earlier failure that was not cleared.
    public func synchronize() throws(SystemCallError) {
        guard policy == .syncBackend, backend.reachesFile else { return }
        if let failure = latch.failure { throw failure }
        if backend.powerCutTest == nil { try synchronizeBackend() }
    }

    private func synchronizeBackend() throws(SystemCallError) {
        do throws(SystemCallError) { try backend.synchronize() } catch {
            latch.set(error)
            throw error
        }
    }

    /// Whether a flush would sync.
    package var syncs: Bool {
        policy == .syncBackend && backend.reachesFile && !backend.mapping.isReadOnly && latch.failure == nil
    }

    /// Makes every store that came before the call durable. No lock is held meanwhile.
    ///
    /// - Parameter onEvent: told of the first flush that fails for its reason.
    /// - Returns: whether they are.
    func flush(_ onEvent: (PMemEvent) -> Void) -> Bool {
        // What the host maps read-only the guest cannot have changed.
        if policy == .discardOnPowerOff || backend.mapping.isReadOnly { return true }
        guard backend.reachesFile else {
            if !hasAnnouncedNotDurable.exchange(true, ordering: .relaxed) { onEvent(.notDurable) }
            return false
        }
        guard latch.failure == nil else { return false }
        let begin = now()
        defer { figures.recordSync(duration: now() &- begin) }
        do throws(SystemCallError) {
            try synchronizeBackend()
            return true
        } catch {
            onEvent(.syncFailed(error))
            return false
        }
    }
}
