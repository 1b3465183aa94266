import CLinux
import SystemPackage

/// Stream sockets with a path.
public enum UnixSocket {
    /// Connects to a socket that somebody listens on.
    public static func connect(to path: String) throws(SystemCallError) -> OwnedDescriptor {
        let socket = try make(flags: 0)
        let number = socket.rawValue
        try unsafe withAddress(of: path) { address, length in unsafe CLinux.connect(number, address, length) }
        try setNonBlocking(number)
        return socket
    }

    /// Listens on a new socket that only its owner may connect to (mode 0600).
    ///
    /// A socket that a dead process left is replaced; one that somebody listens on, or a file that is no socket, is not.
    ///
    /// - Throws: `addressInUse` where somebody listens, or what the kernel says.
    public static func listen(on path: String) throws(SystemCallError) -> OwnedDescriptor {
        try removeStale(path)
        let socket = try make(flags: CInt(SOCK_NONBLOCK.rawValue))
        let number = socket.rawValue
        // The file that bind makes takes its mode from here.
        try systemCall("fchmod", path) { fchmod(number, 0o600) }
        try unsafe withAddress(of: path, call: "bind") { address, length in unsafe bind(number, address, length) }
        try systemCall("listen", path) { CLinux.listen(number, 1) }
        return socket
    }

    /// The next client that has connected, non-blocking; nil if there is none.
    public static func accept(_ listener: borrowing OwnedDescriptor) -> OwnedDescriptor? {
        accept(number: listener.rawValue)
    }

    /// The same for a listener with several owners.
    public static func accept(_ listener: SharedDescriptor) -> OwnedDescriptor? {
        accept(number: listener.rawValue)
    }

    private static func accept(number listener: CInt) -> OwnedDescriptor? {
        let flags = CInt(SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let number = unsafe accept4(listener, __SOCKADDR_ARG(), nil, flags)
        return number < 0 ? nil : OwnedDescriptor(taking: number)
    }

    /// Ends a connection in both directions, whoever else has its descriptor.
    public static func shutDown(_ socket: borrowing OwnedDescriptor) {
        _ = shutdown(socket.rawValue, CInt(SHUT_RDWR))
    }

    private static func removeStale(_ path: String) throws(SystemCallError) {
        var status = stat()
        guard unsafe lstat(path, &status) == 0, status.st_mode & mode_t(S_IFMT) == mode_t(S_IFSOCK) else { return }
        let isAlive: Bool
        do throws(SystemCallError) {
            _ = try connect(to: path)
            isAlive = true
        } catch { isAlive = error.errno != .connectionRefused }
        guard !isAlive else { throw SystemCallError(call: "bind", subject: path, errno: .addressInUse) }
        try systemCall("unlink", path) { unsafe unlink(path) }
    }

    private static func make(flags: CInt) throws(SystemCallError) -> OwnedDescriptor {
        let kind = CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue) | flags
        return OwnedDescriptor(taking: try systemCall("socket") { socket(AF_UNIX, kind, 0) })
    }

    private static func setNonBlocking(_ number: CInt) throws(SystemCallError) {
        try systemCall("fcntl") { nt_fcntl_value(number, F_SETFL, O_NONBLOCK) }
    }

    private static func withAddress(
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
