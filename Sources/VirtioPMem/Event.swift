public import GuestMemory
public import Host
public import Virtio

/// Something that whoever runs the machine should know.
public enum PMemEvent: Equatable, Sendable {
    /// The host could not make the guest's stores durable. Every flush fails from now on, until
    /// `Durability.clearFailure`.
    case syncFailed(SystemCallError)
    /// The first flush of a guest whose stores reach no file; it and all later ones were answered with failure.
    case notDurable
    /// The driver sent a request that makes no sense. Said once per activation.
    case malformedRequest(RequestError)
    /// The driver built a descriptor chain that makes no sense. Said once per activation.
    case malformedChain(ChainError)
    /// The answer to a request could not be written. Said once per activation.
    case unwritableAnswer(GuestMemoryError)
    /// The queue makes no sense any more; the driver has been asked for a reset.
    case queueBroken(QueueError)
    /// The doorbell cannot be waited for any more; the driver has been asked for a reset.
    case doorbellFailed(SystemCallError)
}

/// What came of the flushes of a backend's guests; resets, reboots and unplugging do not set it back.
public struct PMemStatistics: Equatable, Sendable {
    /// Flush requests answered, with whatever result.
    public internal(set) var flushCount: UInt64 = 0
    /// Those of them that were answered with failure.
    public internal(set) var failureCount: UInt64 = 0
    /// Requests and chains that made no sense.
    public internal(set) var malformedCount: UInt64 = 0
    /// Rounds of the flush worker that had at least one flush request.
    public internal(set) var batchCount: UInt64 = 0
    /// The most flush requests that one round answered.
    public internal(set) var largestBatch: UInt64 = 0
    /// Stores into memory that can only be read.
    public internal(set) var droppedStoreCount: UInt64 = 0
    /// How long the backend's `synchronize` took, whatever came of it.
    public internal(set) var syncLatency = LatencyHistogram()
    /// How often a flush had to wait for the limit.
    public internal(set) var throttledCount: UInt64 = 0
    /// Calls of the backend's `synchronize`.
    public internal(set) var syncCount: UInt64 = 0
}
