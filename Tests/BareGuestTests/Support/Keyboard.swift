import Foundation
import TestSupport

/// A test's talk with the bare guest, when standard input and output are its serial port.
extension HostProcess {
    /// Has the guest do something.
    ///
    /// - Returns: its answer, a line that begins with `ok` or `error` and the command's name.
    @discardableResult
    func ask(_ command: String) throws -> String {
        let before = lines.count
        send("\(command)\n")
        let name = command.prefix { $0 != " " }
        return try waitForLine(after: before, "an answer to '\(command)'") {
            $0.hasPrefix("ok \(name)") || $0.hasPrefix("error \(name)")
        }
    }

    /// Waits until the guest has said a line that begins so.
    func waitForLine(_ prefix: String) throws {
        _ = try waitForLine(after: 0, "'\(prefix)'") { $0.hasPrefix(prefix) }
    }

    func footprint() throws -> Footprint { try Footprint(of: identifier) }

    private func waitForLine(after count: Int, _ what: String, where isWanted: (Substring) -> Bool) throws -> String {
        var line: Substring?
        let isThere = eventually(seconds: 40) {
            line = lines.dropFirst(count).first(where: isWanted)
            return line != nil
        }
        guard isThere, let line else { throw TimedOut(what, transcript: output + errors) }
        return String(line)
    }

    /// The lines of its standard output whose end has come.
    private var lines: ArraySlice<Substring> {
        output.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).dropLast()
    }
}

/// What a test waited for in vain.
struct TimedOut: Error {
    let what: String
    /// What was said meanwhile.
    let transcript: String

    init(_ what: String, transcript: String = "") {
        self.what = what
        self.transcript = transcript
    }
}
