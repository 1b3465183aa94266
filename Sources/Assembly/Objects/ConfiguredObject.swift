public import Backend
public import Host
public import Options

/// An object of `-object` or `object_add`, made: what devices use, and what outlives them.
public protocol ConfiguredObject: AnyObject, Sendable {
    var id: String { get }
    /// The memory that it is; nil for an object of another kind.
    var memory: (any MemoryBackend)? { get }
    /// What makes its content durable; nil where nothing has to be.
    var flushControl: (any FlushControl)? { get }

    /// Makes durable what guests stored in it, at the end of a machine or a server. May wait for the disk.
    ///
    /// - Returns: what failed.
    func synchronize() -> DeviceReport?
    /// Its end: throws away what is to be thrown away.
    ///
    /// - Returns: what is lost with it.
    func release() -> DeviceReport?
}

extension ConfiguredObject {
    public var memory: (any MemoryBackend)? { nil }
    public var flushControl: (any FlushControl)? { nil }
    public func synchronize() -> DeviceReport? { nil }
    public func release() -> DeviceReport? { nil }
}

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
