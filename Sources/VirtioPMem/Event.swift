public import Host
public import Virtio

/// Something about a device that a person should know.
public enum PMemEvent: Equatable, Sendable {
    /// The host could not make the guest's stores durable. Every flush fails from now on, until
    /// `FailureLatch.clear`.
    case syncFailed(SystemCallError)
    /// The first flush of a guest whose stores reach no file; it and all later ones were answered with failure.
    case notDurable
    /// What happened to the request queue.
    case queue(QueueEvent)
}
