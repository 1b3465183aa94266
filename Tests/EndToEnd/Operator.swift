import Foundation

/// An operator's two lines to a running monitor: the human monitor and QMP, over sockets.
final class Operator {
    private let human: SocketClient
    private let program: SocketClient

    /// What a monitor has to be told so that an operator can reach it.
    static func options(_ name: String) -> [String] {
        [
            "-monitor", "unix:\(path(name, "hmp")),server=on,wait=off", "-qmp",
            "unix:\(path(name, "qmp")),server=on,wait=off",
        ]
    }

    init(_ name: String) throws {
        human = try SocketClient(Self.path(name, "hmp"))
        program = try SocketClient(Self.path(name, "qmp"))
        try human.wait(for: "(qemu) ")
        try program.send("{\"execute\": \"qmp_capabilities\"}\n")
        try program.wait(for: "{\"return\"")
    }

    private static func path(_ name: String, _ kind: String) -> String { "\(Laboratory.folder)/\(name)-\(kind)" }

    /// Types a line at the human monitor.
    ///
    /// - Returns: the answer, without the echo and the next prompt.
    @discardableResult
    func type(_ line: String) throws -> String {
        human.forget()
        try human.send(line + "\n")
        // The echo ends with ESC [ K, and the next prompt with itself.
        try human.wait(until: "an answer to '\(line)'", seconds: 60) {
            $0.contains("\u{1B}[K\n") && $0.hasSuffix("(qemu) ")
        }
        return String(human.console.components(separatedBy: "\u{1B}[K\n").last?.dropLast("(qemu) ".count) ?? "")
    }

    /// Waits until one of these events has come, and forgets what came up to now.
    func wait(forEvent names: String...) throws {
        try program.wait(until: "one of the events \(names)", seconds: 60) { text in
            names.contains { text.contains("\"event\": \"\($0)\"") }
        }
        program.forget()
    }
}
