import Foundation
import Host

/// The other side of `-serial unix:PATH`.
final class SocketClient {
    private let socket: SharedDescriptor
    private(set) var received: [UInt8] = []

    /// Connects as soon as somebody listens there.
    init(_ path: String, seconds: Int = 30) throws {
        let deadline = Date(timeIntervalSinceNow: Double(seconds))
        while true {
            do {
                socket = SharedDescriptor(try UnixSocket.connect(to: path))
                return
            } catch where Date() < deadline { usleep(50_000) }
        }
    }

    func send(_ text: String) throws {
        let bytes = Array(text.utf8)
        guard case .written(bytes.count) = socket.with({ $0.writeOnce(bytes[...]) }) else {
            throw Laboratory.Failure.timedOut("the socket to take '\(text)'", console: console)
        }
    }

    func wait(for text: String, seconds: Int = 240) throws {
        let deadline = Date(timeIntervalSinceNow: Double(seconds))
        while !console.contains(text) {
            guard Date() < deadline else { throw Laboratory.Failure.timedOut("'\(text)'", console: console) }
            switch socket.with({ $0.readAvailable(capacity: 4096) }) {
            case .bytes(let bytes): received += bytes
            case .none: usleep(50_000)
            case .end: throw Laboratory.Failure.timedOut("'\(text)'; the line was closed", console: console)
            }
        }
    }

    private var console: String { consoleText(received) }
}
