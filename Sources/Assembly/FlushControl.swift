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
    /// Takes a sync from the limit, for one that no flush asks for.
    ///
    /// - Returns: 0, or how long it is until there may be one, in nanoseconds; none is taken then.
    func takeTurn() -> UInt64
}
