import Foundation
import Host

/// The other side of `-serial unix:PATH`.
final class SocketClient {
    private let socket: SharedDescriptor
    private(set) var received: [UInt8] = []

    /// Connects as soon as there is a listener.
    init(_ path: String, seconds: Int = 30) throws {
        let deadline = Date(timeIntervalSinceNow: Double(seconds))
        while true {
            do {
                socket = SharedDescriptor(try UnixSocket.connect(to: path))
                return
            } catch  where Date() < deadline { usleep(50_000) }
        }
    }

    func send(_ text: String) throws {
        let bytes = Array(text.utf8)
        guard case .written(bytes.count) = socket.with({ $0.writeOnce(bytes[...]) }) else {
            throw Laboratory.Failure.timedOut("the socket to take '\(text)'", console: console)
        }
    }

    func wait(for text: String, seconds: Int = 240) throws {
        try wait(until: "'\(text)'", seconds: seconds) { $0.contains(text) }
    }

    /// Waits until what has come fulfils a condition.
    func wait(until what: String, seconds: Int, _ condition: (String) -> Bool) throws {
        let deadline = Date(timeIntervalSinceNow: Double(seconds))
        while !condition(console) {
            guard Date() < deadline else { throw Laboratory.Failure.timedOut(what, console: console) }
            switch socket.with({ $0.readAvailable(capacity: 4096) }) {
            case .bytes(let bytes): received += bytes
            case .none: usleep(5_000)
            case .end: throw Laboratory.Failure.timedOut("\(what); the line was closed", console: console)
            }
        }
    }

    /// Everything that has come.
    var console: String { consoleText(received) }

    func forget() { received = [] }
}
