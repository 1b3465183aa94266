import CLinux
import SystemPackage

/// Sockets that a service manager opened before it started this process (sd_listen_fds(3)).
public enum SocketActivation {
    /// The first number of theirs.
    private static let firstDescriptor: CInt = 3
    /// More than any service has.
    private static let limit: CInt = 1024

    /// Takes them over; none where LISTEN_PID names another process. To be called once, before anything is opened.
    ///
    /// - Throws: `badFileDescriptor` for a number that is not open, `notSocket` for one that is no listening socket.
    public static func takeListeners() throws(SystemCallError) -> [SharedDescriptor] {
        defer { for name in ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"] { unsafe unsetenv(name) } }
        guard number("LISTEN_PID") == getpid(), let count = number("LISTEN_FDS"), count > 0, count <= limit else {
            return []
        }
        var result: [SharedDescriptor] = []
        for raw in firstDescriptor..<firstDescriptor + count {
            try systemCall("fcntl", "descriptor \(raw) of LISTEN_FDS") { nt_fcntl_value(raw, F_SETFD, FD_CLOEXEC) }
            let listener = SharedDescriptor(OwnedDescriptor(taking: raw))
            try check(raw)
            result.append(listener)
        }
        return result
    }

    private static func check(_ raw: CInt) throws(SystemCallError) {
        let subject = "descriptor \(raw) of LISTEN_FDS"
        var isListening: CInt = 0
        var size = socklen_t(MemoryLayout<CInt>.size)
        try systemCall("getsockopt", subject) { unsafe getsockopt(raw, SOL_SOCKET, SO_ACCEPTCONN, &isListening, &size) }
        guard isListening != 0 else { throw SystemCallError(call: "accept", subject: subject, errno: .invalidArgument) }
        let flags = try systemCall("fcntl", subject) { nt_fcntl_value(raw, F_GETFL, 0) }
        try systemCall("fcntl", subject) { nt_fcntl_value(raw, F_SETFL, flags | O_NONBLOCK) }
    }

    private static func number(_ name: String) -> CInt? {
        guard let text = unsafe getenv(name) else { return nil }
        return CInt(unsafe String(cString: text))
    }
}
