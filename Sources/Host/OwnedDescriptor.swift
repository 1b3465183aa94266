import CLinux
import SystemPackage

/// A file descriptor with one owner, closed when the owner goes.
public struct OwnedDescriptor: ~Copyable, Sendable {
    /// The descriptor's number, valid as long as this value lives.
    public let rawValue: CInt
    /// Whether `close` may wait for good, as it does for a file of a user-space file system.
    private let maySlowlyClose: Bool

    /// Takes ownership of an open descriptor.
    public init(taking rawValue: CInt) {
        self.rawValue = rawValue
        maySlowlyClose = false
    }

    /// Takes ownership of an open descriptor that another process sent, and that may be of any kind: where closing it
    /// may wait, no thread but one that is there for it waits.
    init(takingForeign rawValue: CInt) {
        self.rawValue = rawValue
        maySlowlyClose = !DescriptorCloser.closesAtOnce(rawValue)
    }

    /// Opens a file; close-on-exec is always set.
    ///
    /// - Parameters:
    ///   - flags: `O_RDONLY`, `O_RDWR`, `O_CREAT` and so on.
    ///   - mode: permission bits of a file that this call creates.
    public init(opening path: String, flags: CInt, mode: mode_t = 0o600) throws(SystemCallError) {
        rawValue = try systemCall("open", path) { unsafe nt_open(path, flags, mode) }
        maySlowlyClose = false
    }

    /// Gives the descriptor up without closing it.
    public consuming func release() -> CInt {
        let value = rawValue
        discard self
        return value
    }

    /// A second descriptor of the same open file description.
    public borrowing func duplicate() throws(SystemCallError) -> OwnedDescriptor {
        let value = rawValue
        return OwnedDescriptor(taking: try systemCall("dup") { nt_fcntl_value(value, F_DUPFD_CLOEXEC, 3) })
    }

    deinit {
        // Linux frees the number whatever close returns, so there is nothing to retry.
        if maySlowlyClose { DescriptorCloser.close(rawValue) } else { _ = close(rawValue) }
    }
}

/// A file descriptor with several owners, closed when the last one goes.
public final class SharedDescriptor: Sendable {
    private let descriptor: OwnedDescriptor

    public init(_ descriptor: consuming OwnedDescriptor) {
        self.descriptor = descriptor
    }

    /// The descriptor's number, valid as long as this object lives.
    public var rawValue: CInt { descriptor.rawValue }

    /// A second descriptor of the same open file description.
    public func duplicate() throws(SystemCallError) -> OwnedDescriptor { try descriptor.duplicate() }

    /// What is done with the descriptor while it is surely open.
    public func with<Result>(_ body: (borrowing OwnedDescriptor) -> Result) -> Result { body(descriptor) }
}
