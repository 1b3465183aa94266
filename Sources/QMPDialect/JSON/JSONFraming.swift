/// Cuts a stream of bytes into JSON texts, which need nothing between them. Looks at brackets and quotes only; what a
/// text means, and whether it is JSON at all, is the decoder's business.
///
/// After something that cannot be JSON, what follows is dropped up to the end of the line, or to a byte 0xFF, by which
/// QMP clients make both sides start anew.
public struct JSONFraming: Sendable {
    /// What came out of the stream.
    public enum Piece: Equatable, Sendable {
        case text([UInt8])
        /// Something was dropped; why, for the client.
        case malformed(QMPError)
    }

    /// The longest text, in bytes. QEMU takes 64 MiB; no command of ours is longer than a few hundred bytes.
    public static let maximumByteCount = 1 << 20
    /// How deeply brackets may nest, as in QEMU.
    public static let maximumDepth = 1024

    private enum Place: Equatable {
        case between, inside, inString, afterBackslash
        /// Dropping what is left of a line.
        case dropping
    }

    private static let reset: UInt8 = 0xFF
    private var place = Place.between
    private var depth = 0
    private var text: [UInt8] = []

    public init() {}

    /// Takes the next bytes of the stream.
    public mutating func append(_ bytes: some Sequence<UInt8>) -> [Piece] {
        var pieces: [Piece] = []
        for byte in bytes {
            if let piece = append(byte) { pieces.append(piece) }
        }
        return pieces
    }

    private mutating func append(_ byte: UInt8) -> Piece? {
        switch place {
        case .between: return start(byte)
        case .dropping:
            if byte == 10 || byte == Self.reset { place = .between }
            return nil
        case .inside, .inString, .afterBackslash:
            guard text.count < Self.maximumByteCount else { return drop(byte, .limit("token size")) }
            guard byte != Self.reset else { return drop(byte, .parseError("invalid UTF-8")) }
            text.append(byte)
            return place == .inside ? continueOutside(byte) : continueString(byte)
        }
    }

    private mutating func start(_ byte: UInt8) -> Piece? {
        switch byte {
        case 9, 10, 13, 32, Self.reset: return nil
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            (text, depth, place) = ([byte], 1, .inside)
            return nil
        case UInt8(ascii: "}"), UInt8(ascii: "]"): return drop(byte, .parseError("expecting value"))
        // A number, a string or a word, which QMP has no use for.
        case UInt8(ascii: "\""), UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            return drop(byte, .requestNotAnObject)
        default: return drop(byte, .parseError("stray '\(Self.printable(byte))'"))
        }
    }

    private mutating func continueOutside(_ byte: UInt8) -> Piece? {
        switch byte {
        case UInt8(ascii: "\""): place = .inString
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            depth += 1
            if depth > Self.maximumDepth { return drop(byte, .limit("nesting depth")) }
        case UInt8(ascii: "}"), UInt8(ascii: "]"):
            depth -= 1
            guard depth == 0 else { return nil }
            defer { forget() }
            return .text(text)
        default: break
        }
        return nil
    }

    /// A string that is not over at the end of its line was cut short (RFC 8259, section 7: no control characters).
    private mutating func continueString(_ byte: UInt8) -> Piece? {
        if byte < 0x20 { return drop(byte, .parseError("a string does not end")) }
        switch (place, byte) {
        case (.inString, UInt8(ascii: "\"")): place = .inside
        case (.inString, UInt8(ascii: "\\")): place = .afterBackslash
        default: place = .inString
        }
        return nil
    }

    private mutating func drop(_ byte: UInt8, _ reason: QMPError) -> Piece {
        forget()
        place = byte == 10 || byte == Self.reset ? .between : .dropping
        return .malformed(reason)
    }

    private mutating func forget() { (text, depth, place) = ([], 0, .between) }

    private static func printable(_ byte: UInt8) -> String {
        (0x20..<0x7F).contains(byte) ? String(decoding: [byte], as: UTF8.self) : "\u{FFFD}"
    }
}
