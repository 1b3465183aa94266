/// A command line that is being typed: the keys that change it, and what the terminal must be sent to show it.
///
/// The display is brought up to date by moving back to where the line begins and writing it anew, as QEMU's monitor
/// does, so that what scripts do to get rid of the echo works: all up to the last `ESC [ K` is echo.
struct LineEditor {
    /// What a key asks the session to do.
    enum Event: Equatable {
        case enter(String)
        /// Enter, of a line that was longer than `maximumByteCount`.
        case enterTooLong
        /// Tab: complete the text before the cursor.
        case complete(String)
        case clearScreen
    }

    /// What QEMU's monitor keeps of a line.
    static let maximumByteCount = 4095

    private var line: [UInt8] = []
    private var cursor = 0
    private var isTooLong = false
    private var history = LineHistory()
    private var escape = EscapeSequence()
    private var shown: (line: [UInt8], cursor: Int) = ([], 0)

    /// Takes a key, or a part of one.
    mutating func receive(_ byte: UInt8) -> Event? {
        if let key = escape.receive(byte) {
            if let key { press(key) }
            return nil
        }
        switch byte {
        case 9: return .complete(String(decoding: line[..<cursor], as: UTF8.self))
        case 10, 13: return enter()
        case 12: return .clearScreen
        case 32..<127, 128...255: insert([byte])
        default: if let key = Key(control: byte) { press(key) }
        }
        return nil
    }

    /// Puts bytes where the cursor is.
    mutating func insert(_ bytes: [UInt8]) {
        guard line.count + bytes.count <= Self.maximumByteCount else {
            isTooLong = true
            return
        }
        line.insert(contentsOf: bytes, at: cursor)
        cursor += bytes.count
    }

    /// Drops what was typed, and everything but the history.
    mutating func startOver() {
        (line, cursor, isTooLong) = ([], 0, false)
        escape = EscapeSequence()
        forgetDisplay()
    }

    /// The terminal shows an empty line: a prompt was just written.
    mutating func forgetDisplay() { shown = ([], 0) }

    /// What brings the terminal up to date.
    mutating func takeDisplayUpdate() -> String {
        var text = ""
        if shown.line != line {
            text += String(repeating: "\u{1B}[D", count: shown.cursor)
            text += String(decoding: line, as: UTF8.self) + "\u{1B}[K"
            shown = (line, line.count)
        }
        if cursor < shown.cursor { text += String(repeating: "\u{1B}[D", count: shown.cursor - cursor) }
        if cursor > shown.cursor { text += String(repeating: "\u{1B}[C", count: cursor - shown.cursor) }
        shown.cursor = cursor
        return text
    }

    /// The same for a line that was entered before the terminal was brought up to date.
    func echo(of entered: String) -> String {
        let bytes = Array(entered.utf8)
        guard shown.line != bytes else { return "" }
        return String(repeating: "\u{1B}[D", count: shown.cursor) + entered + "\u{1B}[K"
    }

    private mutating func enter() -> Event {
        defer { (line, cursor, isTooLong) = ([], 0, false) }
        if isTooLong { return .enterTooLong }
        history.add(line)
        return .enter(String(decoding: line, as: UTF8.self))
    }

    private mutating func press(_ key: Key) {
        switch key {
        case .left: cursor = max(0, cursor - 1)
        case .right: cursor = min(line.count, cursor + 1)
        case .home: cursor = 0
        case .end: cursor = line.count
        case .up: replaceLine(history.previous())
        case .down: replaceLine(history.next())
        case .backspace: remove(max(0, cursor - 1)..<cursor)
        case .delete: remove(cursor..<min(line.count, cursor + 1))
        case .deleteWord: remove(startOfWord..<cursor)
        case .deleteToEnd: remove(cursor..<line.count)
        case .deleteLine:
            remove(0..<line.count)
            isTooLong = false
        }
    }

    private mutating func replaceLine(_ new: [UInt8]?) {
        guard let new else { return }
        (line, cursor) = (new, new.count)
    }

    private mutating func remove(_ range: Range<Int>) {
        line.removeSubrange(range)
        cursor = range.lowerBound
    }

    /// Where the word before the cursor begins.
    private var startOfWord: Int {
        let space = UInt8(ascii: " ")
        let wordEnd = line[..<cursor].lastIndex { $0 != space }.map { $0 + 1 } ?? 0
        return line[..<wordEnd].lastIndex(of: space).map { $0 + 1 } ?? 0
    }
}
