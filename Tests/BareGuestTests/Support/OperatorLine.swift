import Foundation
import Glibc
import Synchronization

/// A QMP client over a socket.
final class OperatorLine: Sendable {
    private let descriptor: CInt
    private let text = Mutex("")

    /// The option for a QMP socket in a folder.
    static func options(in folder: WorkFolder) -> [String] {
        ["-qmp", "unix:\(folder.file("qmp")),server=on,wait=off"]
    }

    /// To a monitor with those options.
    convenience init(in folder: WorkFolder) throws { try self.init(folder.file("qmp")) }

    /// - Parameter path: of a socket that the monitor makes in a moment.
    init(_ path: String) throws {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        self.descriptor = descriptor
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
        let size = socklen_t(MemoryLayout<sockaddr_un>.size)
        let isConnected = eventually(seconds: 40) {
            unsafe withUnsafePointer(to: &address) { pointer in
                unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    unsafe connect(descriptor, $0, size) == 0
                }
            }
        }
        guard isConnected else { throw TimedOut("a connection to \(path)") }
        _ = try ask(#"{"execute":"qmp_capabilities"}"#)
    }

    deinit { close(descriptor) }

    /// Everything that was received.
    var transcript: String {
        receive()
        return text.withLock { $0 }
    }

    /// - Returns: the answer: a line with `return` or `error`.
    func ask(_ request: String) throws -> String {
        let before = transcript.count
        let line = Array("\(request)\n".utf8)
        _ = unsafe line.withUnsafeBytes { unsafe send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
        var answer: Substring?
        try wait(for: "an answer to \(request)") {
            // A line whose end has not come yet is none.
            answer = transcript.dropFirst(before).split(separator: "\n", omittingEmptySubsequences: false).dropLast()
                .first {
                    $0.hasPrefix("{\"return\"") || $0.hasPrefix("{\"error\"")
                }
            return answer != nil
        }
        return String(answer ?? "")
    }

    /// - Returns: the event's line.
    @discardableResult
    func waitForEvent(_ name: String, count: Int = 1) throws -> String {
        var found: [Substring] = []
        try wait(for: "event \(name)") {
            found = transcript.split(separator: "\n", omittingEmptySubsequences: false).dropLast().filter {
                $0.contains("\"event\": \"\(name)\"")
            }
            return found.count >= count
        }
        return String(found.last ?? "")
    }

    private func receive() {
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = unsafe buffer.withUnsafeMutableBytes {
                unsafe recv(descriptor, $0.baseAddress, $0.count, Int32(MSG_DONTWAIT))
            }
            guard count > 0 else { return }
            text.withLock { $0 += String(decoding: buffer[..<count].filter { $0 != 13 }, as: UTF8.self) }
        }
    }

    private func wait(for what: String, _ condition: () -> Bool) throws {
        guard eventually(seconds: 40, condition) else { throw TimedOut(what, transcript: transcript) }
    }
}
