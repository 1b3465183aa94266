import Synchronization

/// What came of the flushes of a backend's guests; resets, reboots and unplugging do not set it back.
public struct PMemStatistics: Equatable, Sendable {
    /// Flush requests answered, with whatever result.
    public fileprivate(set) var flushCount: UInt64 = 0
    /// Those of them that were answered with failure.
    public fileprivate(set) var failureCount: UInt64 = 0
    /// Requests and chains that made no sense.
    public fileprivate(set) var malformedCount: UInt64 = 0
    /// Batches that had at least one flush request; a batch is all that one sync answers.
    public fileprivate(set) var batchCount: UInt64 = 0
    /// The most flush requests in one batch.
    public fileprivate(set) var largestBatch: UInt64 = 0
    /// Stores into memory that can only be read.
    public fileprivate(set) var droppedStoreCount: UInt64 = 0
    /// How long the backend's `synchronize` took, failed ones included.
    public fileprivate(set) var syncLatency = LatencyHistogram()
    /// How often a flush had to wait for the limit.
    public fileprivate(set) var throttledCount: UInt64 = 0
    /// Calls of the backend's `synchronize` for a flush.
    public fileprivate(set) var syncCount: UInt64 = 0
}

/// Counts what becomes of flushes.
public final class FlushFigures: Sendable {
    private let state = Mutex(PMemStatistics())

    /// What flushes have come to so far.
    public var statistics: PMemStatistics { state.withLock { $0 } }

    /// A sync for a flush has ended.
    ///
    /// - Parameter duration: in nanoseconds.
    func recordSync(duration: UInt64) {
        state.withLock { statistics in
            statistics.syncCount &+= 1
            statistics.syncLatency.record(duration)
        }
    }

    func recordThrottling() { state.withLock { $0.throttledCount &+= 1 } }

    func recordMalformedChain() { state.withLock { $0.malformedCount &+= 1 } }

    /// A batch is answered: how many flushes it has and how they ended, and how many requests in it make no sense.
    func recordBatch(flushes: Int, succeeded: Bool, malformed: Int) {
        let (flushes, malformed) = (UInt64(clamping: flushes), UInt64(clamping: malformed))
        state.withLock { statistics in
            statistics.malformedCount &+= malformed
            guard flushes > 0 else { return }
            statistics.flushCount &+= flushes
            if !succeeded { statistics.failureCount &+= flushes }
            statistics.batchCount &+= 1
            statistics.largestBatch = max(statistics.largestBatch, flushes)
        }
    }

    /// Counts a store of the guest into memory that it can only read; it was dropped.
    ///
    /// - Returns: how many there were.
    public func recordDroppedStore() -> UInt64 {
        state.withLock { statistics in
            statistics.droppedStoreCount &+= 1
            return statistics.droppedStoreCount
        }
    }
}
