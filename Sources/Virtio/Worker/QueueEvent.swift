public import Host

/// What happened to a queue that a person should know.
public enum QueueEvent: Equatable, Sendable {
    /// The driver sent a request that makes no sense. Told once per activation, with `malformedChain` together.
    case malformedRequest(RequestError)
    /// The driver built a descriptor chain that makes no sense. Told once per activation, with `malformedRequest`
    /// together.
    case malformedChain(ChainError)
    /// The queue makes no sense any more; the driver has been asked for a reset.
    case broken(QueueError)
    /// The doorbell cannot be waited for any more; the driver has been asked for a reset.
    case doorbellFailed(SystemCallError)
}
