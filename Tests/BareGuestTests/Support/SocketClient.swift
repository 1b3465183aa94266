import CLinux
import Foundation

/// The other side of `-serial unix:`.
final class SocketClient {
    private let socketNumber: Int32
    private(set) var text = ""

    /// Connects to a path; nil if there is no listener.
    init?(connectingTo path: String) {
        socketNumber = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard unsafe Self.use(path, { unsafe connect(socketNumber, $0, $1) }) else { return nil }
    }

    private init(_ number: Int32) { socketNumber = number }

    deinit { close(socketNumber) }

    /// Listens on a path, lets `body` run, and accepts the clients that connect meanwhile.
    static func accepting<Result>(on path: String, _ body: () throws -> Result) throws -> (SocketClient, Result) {
        let listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        defer { close(listener) }
        guard unsafe use(path, { unsafe bind(listener, $0, $1) }), listen(listener, 1) == 0 else {
            throw POSIXError(.EADDRINUSE)
        }
        let result = try body()
        var entry = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
        guard unsafe poll(&entry, 1, 10_000) == 1 else { throw POSIXError(.ETIMEDOUT) }
        let number = unsafe accept4(listener, __SOCKADDR_ARG(), nil, Int32(SOCK_CLOEXEC.rawValue))
        return (SocketClient(number), result)
    }

    func send(_ text: String) {
        let bytes = Array(text.utf8)
        _ = unsafe CLinux.send(socketNumber, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    }

    /// Waits until a text has come.
    func hears(_ wanted: String, seconds: Double = 20) -> Bool {
        eventually(seconds: seconds) {
            receive()
            return text.contains(wanted)
        }
    }

    /// Takes some of what has come.
    func receive() {
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = unsafe recv(socketNumber, &bytes, bytes.count, Int32(MSG_DONTWAIT))
        if count > 0 { text += String(decoding: bytes.prefix(count), as: UTF8.self) }
    }

    private static func use(_ path: String, _ call: (__CONST_SOCKADDR_ARG, socklen_t) -> Int32) -> Bool {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: Array(path.utf8)) }
        return unsafe withUnsafePointer(to: &address) { pointer in
            unsafe call(.init(__sockaddr_un__: pointer), socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
        }
    }
}
