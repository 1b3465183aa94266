import CLinux
import Synchronization
import SystemPackage

/// Stream sockets with a path.
public enum UnixSocket {
    /// Connects, without waiting for a place in the listener's queue.
    ///
    /// - Throws: `connectionRefused` where the path is a socket that no process listens on,
    ///   `resourceTemporarilyUnavailable` while the listener's queue is full.
    public static func connect(to path: String) throws(SystemCallError) -> OwnedDescriptor {
        let socket = try make()
        let number = socket.rawValue
        try unsafe withAddress(of: path) { address, length in unsafe CLinux.connect(number, address, length) }
        return socket
    }

    /// The next client that has connected, non-blocking; nil if there is none.
    public static func accept(_ listener: SharedDescriptor) -> OwnedDescriptor? {
        try? acceptClient(listener)
    }

    /// The same, with the reason.
    ///
    /// - Throws: `wouldBlock` and `connectionAborted` where there is no client (any more), or what the listener
    ///   suffers from.
    public static func acceptClient(_ listener: SharedDescriptor) throws(SystemCallError) -> OwnedDescriptor {
        let flags = CInt(SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let number = listener.rawValue
        return OwnedDescriptor(
            taking: try systemCall("accept") { unsafe accept4(number, __SOCKADDR_ARG(), nil, flags) })
    }

    /// Whether a listener was shut down, by any process that has it: no client will come any more, and `accept` does
    /// not say so.
    public static func isShutDown(_ listener: SharedDescriptor) -> Bool {
        var entry = pollfd(fd: listener.rawValue, events: CShort(NT_POLLRDHUP), revents: 0)
        return unsafe poll(&entry, 1, 0) > 0
    }

    /// Ends a connection in both directions, even if other processes hold its descriptor.
    public static func shutDown(_ socket: borrowing OwnedDescriptor) {
        _ = shutdown(socket.rawValue, CInt(SHUT_RDWR))
    }

    fileprivate static func make() throws(SystemCallError) -> OwnedDescriptor {
        let kind = CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        return OwnedDescriptor(taking: try systemCall("socket") { socket(AF_UNIX, kind, 0) })
    }

    fileprivate static func withAddress(
        of path: String, call: String = "connect", _ body: (__CONST_SOCKADDR_ARG, socklen_t) -> CInt
    ) throws(SystemCallError) {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        // The path is ended by a zero byte inside the array.
        guard MemoryLayout.size(ofValue: address.sun_path) > bytes.count else {
            throw SystemCallError(call: call, subject: path, errno: .fileNameTooLong)
        }
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
        try systemCall(call, path) {
            unsafe withUnsafePointer(to: &address) { pointer in
                unsafe body(.init(__sockaddr_un__: pointer), socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }
}

/// A socket that this process listens on, with its name. The name goes with it, unless another file has taken the name
/// over.
public final class ListeningSocket: Sendable {
    public let descriptor: SharedDescriptor
    private let path: String
    /// What `bind` has made.
    private let file: FileStatus
    private let isNamed = Mutex(true)

    /// Listens on a new socket that only its owner may connect to (mode 0600).
    ///
    /// A socket that a dead process left is replaced; one that a process listens on is not, and neither is a file of
    /// another kind.
    ///
    /// - Throws: `addressInUse` for both, or the kernel's reason.
    public init(on path: String) throws(SystemCallError) {
        try Self.removeStale(path)
        let socket = try UnixSocket.make()
        let number = socket.rawValue
        // The file that bind makes takes its mode from here.
        try systemCall("fchmod", path) { fchmod(number, 0o600) }
        try unsafe UnixSocket.withAddress(of: path, call: "bind") { address, length in
            unsafe bind(number, address, length)
        }
        let file = try FileStatus(path: path, followsLinks: false)
        do throws(SystemCallError) {
            try systemCall("listen", path) { listen(number, 1) }
        } catch {
            if file.hasName(path) { try? unlinkFile(path) }
            throw error
        }
        self.path = path
        self.file = file
        descriptor = SharedDescriptor(socket)
        OwnNames.add(path, of: file)
    }

    deinit { removeName() }

    /// Removes the name: no new client finds the socket.
    public func removeName() {
        isNamed.withLock { isNamed in
            // Once: afterwards another socket may have both the name and the inode.
            guard isNamed else { return }
            OwnNames.forget(path)
            if file.hasName(path) { try? unlinkFile(path) }
            isNamed = false
        }
    }

    private static func removeStale(_ path: String) throws(SystemCallError) {
        guard let status = try? FileStatus(path: path, followsLinks: false), status.kind == .socket else { return }
        do throws(SystemCallError) {
            _ = try UnixSocket.connect(to: path)
        } catch {
            // No listener: a dead process left the socket. Remove it if the path still names the same file.
            if error.errno == .connectionRefused, status.hasName(path) { return try unlinkFile(path) }
        }
        throw SystemCallError(call: "bind", subject: path, errno: .addressInUse)
    }
}
