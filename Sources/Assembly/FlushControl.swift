public import Host
public import Options

/// What makes a guest's stores durable, for commands of a monitor: how often it may, and what became of it.
public protocol FlushControl: AnyObject, Sendable {
    /// Forgets a failure that makes every flush fail.
    ///
    /// - Returns: what was forgotten; nil if there was nothing.
    func clearFailure() -> SystemCallError?
    /// Changes how often flushes may synchronize the host's file.
    func setLimit(_ limit: FlushLimitOptions)
}
