public import Backend

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
