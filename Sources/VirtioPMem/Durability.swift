public import Backend
public import Host
import Synchronization

/// What a flush means for a device's storage.
public enum FlushPolicy: Sendable {
    /// A flush succeeds when the file has the guest's stores, and fails where there is no file to have them.
    case syncBackend
    /// Somebody said that the data is to be thrown away: a flush succeeds and does nothing.
    case discardOnPowerOff
}

/// Whether what guests store in a backend is durable, remembered as long as the backend is there: through resets, reboots, and
/// an unplugged device that comes back. After a failed sync the kernel forgets which pages it could not write, so a later
/// success would say nothing about them.
public final class Durability: Sendable {
    private struct State {
        var failure: SystemCallError?
        var hasAnnouncedNotDurable = false
        var statistics = PMemStatistics()
        var limit = FlushLimit.none
        var bucket = TokenBucket(.none, now: 0)
    }

    public let backend: any MemoryBackend
    public let policy: FlushPolicy
    /// In nanoseconds.
    private let now: @Sendable () -> UInt64
    private let state = Mutex(State())

    /// - Parameter now: a clock that only goes forward, in nanoseconds.
    public init(
        of backend: any MemoryBackend, policy: FlushPolicy = .syncBackend,
        now: @escaping @Sendable () -> UInt64 = { MonotonicTime.nanoseconds }
    ) {
        self.backend = backend
        self.policy = policy
        self.now = now
    }

    /// How often flushes may sync. A new limit begins with a full bucket, and counts for flushes that wait already, too.
    public var limit: FlushLimit {
        get { state.withLock { $0.limit } }
        set {
            let now = now()
            state.withLock { state in
                state.limit = newValue
                state.bucket = TokenBucket(newValue, now: now)
            }
        }
    }

    /// The failed sync that makes every flush fail; nil if there is none.
    public var failure: SystemCallError? { state.withLock { $0.failure } }

    /// What flushes have come to so far.
    public var statistics: PMemStatistics { state.withLock { $0.statistics } }

    /// Forgets a failed sync: somebody has dealt with what may have been lost, and the next flush may succeed.
    ///
    /// - Returns: what was forgotten; nil if there was nothing.
    @discardableResult
    public func clearFailure() -> SystemCallError? {
        state.withLock { state in
            defer { state.failure = nil }
            return state.failure
        }
    }

    /// Makes durable what guests stored, at the end of a device or a machine; does nothing where there is nothing to keep, and in
    /// a power-cut test, where only guests' own flushes make anything durable.
    ///
    /// - Throws: the kernel's reason, or the one of an earlier failure that nobody has cleared.
    public func synchronize() throws(SystemCallError) {
        guard policy == .syncBackend, backend.reachesFile else { return }
        if let failure { throw failure }
        if backend.powerCutTest == nil { try synchronizeBackend() }
    }

    private func synchronizeBackend() throws(SystemCallError) {
        do throws(SystemCallError) { try backend.synchronize() } catch {
            state.withLock { $0.failure = error }
            throw error
        }
    }

    /// Makes every store that came before the call durable. No lock is held meanwhile.
    ///
    /// - Parameter onEvent: told of the first flush that fails for its reason.
    /// - Returns: whether they are.
    func flush(_ onEvent: (PMemEvent) -> Void) -> Bool {
        // What the host maps read-only the guest cannot have changed.
        if policy == .discardOnPowerOff || backend.mapping.isReadOnly { return true }
        guard backend.reachesFile else {
            if isFirstNotDurable() { onEvent(.notDurable) }
            return false
        }
        guard failure == nil else { return false }
        let begin = now()
        defer {
            let duration = now() &- begin
            state.withLock { state in
                state.statistics.syncCount &+= 1
                state.statistics.syncLatency.record(duration)
            }
        }
        do throws(SystemCallError) {
            try synchronizeBackend()
            return true
        } catch {
            onEvent(.syncFailed(error))
            return false
        }
    }

    /// Whether a flush would sync.
    private var syncs: Bool {
        policy == .syncBackend && backend.reachesFile && !backend.mapping.isReadOnly && failure == nil
    }

    /// Takes a token of the limit for a sync.
    ///
    /// - Returns: 0, or how long it is until there may be one, in nanoseconds.
    func takeTurn() -> UInt64 {
        guard syncs else { return 0 }
        let now = now()
        return state.withLock { $0.bucket.take(now: now) }
    }

    func recordThrottling() { state.withLock { $0.statistics.throttledCount &+= 1 } }

    /// Counts a round of the worker: how many flushes it answered and how, and how much in it made no sense.
    func record(flushes: Int, succeeded: Bool, malformed: Int) {
        let (flushes, malformed) = (UInt64(clamping: flushes), UInt64(clamping: malformed))
        state.withLock { state in
            state.statistics.malformedCount &+= malformed
            guard flushes > 0 else { return }
            state.statistics.flushCount &+= flushes
            if !succeeded { state.statistics.failureCount &+= flushes }
            state.statistics.batchCount &+= 1
            state.statistics.largestBatch = max(state.statistics.largestBatch, flushes)
        }
    }

    /// Counts a store of the guest into memory that it can only read; it was dropped.
    ///
    /// - Returns: how many there were.
    public func recordDroppedStore() -> UInt64 {
        state.withLock { state in
            state.statistics.droppedStoreCount &+= 1
            return state.statistics.droppedStoreCount
        }
    }

    private func isFirstNotDurable() -> Bool {
        state.withLock { state in
            defer { state.hasAnnouncedNotDurable = true }
            return !state.hasAnnouncedNotDurable
        }
    }
}
