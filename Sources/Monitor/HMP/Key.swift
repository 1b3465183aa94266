/// A key that changes the line otherwise than by putting a character into it.
enum Key: Equatable {
    case left, right, home, end, up, down, backspace, delete, deleteWord, deleteToEnd, deleteLine

    /// Control characters as terminals and Emacs have them.
    init?(control byte: UInt8) {
        switch byte {
        case 1: self = .home
        case 2: self = .left
        case 3, 21: self = .deleteLine
        case 4: self = .delete
        case 5: self = .end
        case 6: self = .right
        case 8, 127: self = .backspace
        case 11: self = .deleteToEnd
        case 14: self = .down
        case 16: self = .up
        case 23: self = .deleteWord
        default: return nil
        }
    }

    /// The end of a control sequence (ECMA-48) or of a function key.
    fileprivate init?(final byte: UInt8, parameter: Int) {
        switch (byte, parameter) {
        case (UInt8(ascii: "A"), _): self = .up
        case (UInt8(ascii: "B"), _): self = .down
        case (UInt8(ascii: "C"), _): self = .right
        case (UInt8(ascii: "D"), _): self = .left
        case (UInt8(ascii: "H"), _), (UInt8(ascii: "~"), 1), (UInt8(ascii: "~"), 7): self = .home
        case (UInt8(ascii: "F"), _), (UInt8(ascii: "~"), 4), (UInt8(ascii: "~"), 8): self = .end
        case (UInt8(ascii: "~"), 3): self = .delete
        default: return nil
        }
    }
}

/// Recognizes keys that terminals send as several bytes: `ESC [ A`, `ESC O A`, `ESC [ 3 ~`.
struct EscapeSequence {
    private enum Place {
        case outside, afterEscape, function
        case parameters(Int)
    }

    private var place = Place.outside

    /// - Returns: nil for a byte that belongs to no sequence; otherwise the key that it completes, if any.
    mutating func receive(_ byte: UInt8) -> Key?? {
        switch place {
        case .outside:
            guard byte == 0x1B else { return nil }
            place = .afterEscape
            return .some(nil)
        case .afterEscape:
            place = byte == UInt8(ascii: "[") ? .parameters(0) : byte == UInt8(ascii: "O") ? .function : .outside
            return .some(nil)
        case .function:
            place = .outside
            return .some(Key(final: byte, parameter: 0))
        case .parameters(let number):
            return .some(receiveParameter(byte, number))
        }
    }

    private mutating func receiveParameter(_ byte: UInt8, _ number: Int) -> Key? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"):
            place = .parameters(min(number * 10 + Int(byte - UInt8(ascii: "0")), 1000))
            return nil
        // Separators and intermediate bytes.
        case 0x20...0x3F: return nil
        default:
            place = .outside
            return Key(final: byte, parameter: number)
        }
    }
}

/// The lines that were entered before.
struct LineHistory {
    static let maximumCount = 64
    private var lines: [[UInt8]] = []
    /// Which one is shown; `lines.count` when none is.
    private var index = 0

    /// A line that was there before moves to the end.
    mutating func add(_ line: [UInt8]) {
        if !line.isEmpty {
            lines.removeAll { $0 == line }
            lines.append(line)
            if lines.count > Self.maximumCount { lines.removeFirst() }
        }
        index = lines.count
    }

    /// Nil where there is none before.
    mutating func previous() -> [UInt8]? {
        guard index > 0 else { return nil }
        index -= 1
        return lines[index]
    }

    /// After the last one comes an empty line.
    mutating func next() -> [UInt8]? {
        guard index < lines.count else { return nil }
        index += 1
        return index < lines.count ? lines[index] : []
    }
}
