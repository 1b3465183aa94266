import FoundationEssentials
import Glibc
import Host
import Logging
import QEMUDialect
import Synchronization
import Testing

@testable import Monitor

/// What a session shows, gathered.
final class Transcript: Sendable {
    private let bytes = Mutex<[UInt8]>([])

    var text: String { bytes.withLock { String(decoding: $0, as: UTF8.self) } }

    func append(_ new: [UInt8]) { bytes.withLock { $0 += new } }

    /// What came since the last call.
    func take() -> String {
        bytes.withLock { bytes in
            defer { bytes = [] }
            return String(decoding: bytes, as: UTF8.self)
        }
    }
}

/// A client of a socket; gives up after ten seconds of waiting.
final class SocketClient {
    private let socket: SharedDescriptor
    private var received: [UInt8] = []

    init(_ path: String) throws { socket = SharedDescriptor(try UnixSocket.connect(to: path)) }

    init(tcpPort: UInt16) throws {
        let number = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0)
        socket = SharedDescriptor(OwnedDescriptor(taking: number))
        var address = sockaddr_in()
        (address.sin_family, address.sin_port) = (sa_family_t(AF_INET), tcpPort.bigEndian)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        _ = unsafe withUnsafeBytes(of: &address) { bytes in
            unsafe connect(number, bytes.assumingMemoryBound(to: sockaddr.self).baseAddress, socklen_t(bytes.count))
        }
    }

    /// Sends no more, and goes on reading.
    func endInput() { _ = shutdown(socket.rawValue, Int32(SHUT_WR)) }

    /// Everything up to the end of the connection.
    func readToEnd() throws -> String {
        while try Poll.wait([Poll.Interest(socket.rawValue)], timeout: 10000) == [true] {
            switch socket.with({ $0.readAvailable(capacity: 65536) }) {
            case .bytes(let bytes): received += bytes
            case .none: continue
            case .end: return String(decoding: received, as: UTF8.self)
            }
        }
        Issue.record("the connection did not end")
        return ""
    }

    func send(_ text: String) throws { try send(Array(text.utf8)) }

    /// - Returns: whether everything was sent before the other side closed.
    @discardableResult
    func send(_ bytes: [UInt8]) throws -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            guard try Poll.wait([Poll.Interest(socket.rawValue, forOutput: true)], timeout: 10000) == [true] else {
                return false
            }
            switch socket.with({ $0.writeOnce(rest.prefix(65536)) }) {
            case .written(let count): rest = rest.dropFirst(count)
            case .failed: return false
            }
        }
        return true
    }

    /// Reads up to and with `end`.
    func read(to end: String, sourceLocation: SourceLocation = #_sourceLocation) throws -> String {
        let marker = Array(end.utf8)
        while true {
            if let found = received.firstRange(of: marker) {
                defer { received.removeSubrange(..<found.upperBound) }
                return String(decoding: received[..<found.upperBound], as: UTF8.self)
            }
            guard try receiveMore(timeout: 10000) else {
                Issue.record(
                    "'\(end)' did not come; '\(String(decoding: received, as: UTF8.self))' did",
                    sourceLocation: sourceLocation)
                return ""
            }
        }
    }

    /// - Returns: false when nothing more came in time, or ever will.
    func receiveMore(timeout: Int32) throws -> Bool {
        guard try Poll.wait([Poll.Interest(socket.rawValue)], timeout: timeout) == [true] else { return false }
        guard case .bytes(let bytes) = socket.with({ $0.readAvailable(capacity: 65536) }) else { return false }
        received += bytes
        return true
    }

    /// Whether the other side closed the connection within ten seconds; what it sent before is dropped.
    func isDisconnected() throws -> Bool {
        while try Poll.wait([Poll.Interest(socket.rawValue)], timeout: 10000) == [true] {
            switch socket.with({ $0.readAvailable(capacity: 65536) }) {
            case .bytes, .none: continue
            case .end: return true
            }
        }
        return false
    }
}

extension SocketClient {
    /// A line of a QMP client's life: sends, and reads one line.
    func ask(_ request: String) throws -> String {
        try send(request + "\n")
        return try read(to: "\r\n")
    }

    /// Greeted and negotiated.
    static func qmp(_ path: String) throws -> SocketClient {
        let client = try SocketClient(path)
        #expect(try client.read(to: "\r\n").hasPrefix("{\"QMP\": "))
        #expect(try client.ask(#"{"execute":"qmp_capabilities"}"#) == "{\"return\": {}}\r\n")
        return client
    }
}

/// A server on sockets of its own, for the time of `body`.
func withServer(
    _ machine: FakeMachine = FakeMachine(),
    _ body: (_ machine: FakeMachine, _ hmp: String, _ qmp: String) throws -> Void
) throws {
    let stem = "/tmp/needletail-monitor-\(Process.identifier)-\(UInt64.random(in: 0 ... .max))"
    var configuration = MachineConfiguration()
    configuration.monitors = [.unixSocket(path: stem + ".hmp", .server(waits: false))]
    configuration.qmps = [.unixSocket(path: stem + ".qmp", .server(waits: false))]
    let server = try #require(try MonitorServer.start(configuration, machine, log: Logger(label: "test")))
    defer { server.shutDown() }
    try body(machine, stem + ".hmp", stem + ".qmp")
}

func openDescriptorCount() throws -> Int {
    try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
}

/// Permission bits of a file.
func permissions(of path: String) throws -> UInt16? {
    let value = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions]
    return (value as? Int).map { UInt16($0) } ?? (value as? UInt16) ?? (value as? UInt).map { UInt16($0) }
}
