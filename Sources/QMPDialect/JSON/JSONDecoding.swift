/// Reads one JSON text (RFC 8259).
///
/// - Throws: ``QMPError`` in QEMU's manner: generic, "JSON parse error, ...".
public func decodeJSON(_ text: [UInt8]) throws(QMPError) -> JSONValue {
    guard String(validating: text, as: UTF8.self) != nil else { throw .parseError("invalid UTF-8") }
    var reader = JSONReader(text)
    return try reader.read()
}

/// A reader that looks at each byte once, and keeps the values that are open in an array: neither a long nor a deep
/// text takes more of a thread's time or stack than its bytes are worth.
private struct JSONReader {
    /// A value that is not closed yet.
    private enum Open {
        case array([JSONValue])
        /// With the name of the member whose value comes next.
        case object([JSONMember], name: String)
    }

    private var scanner: JSONScanner
    private var open: [Open] = []

    init(_ text: [UInt8]) { scanner = JSONScanner(text) }

    mutating func read() throws(QMPError) -> JSONValue {
        var value = try begin()
        while true {
            // A value is complete: it belongs to the innermost open one, which goes on or is complete itself.
            while let complete = value {
                guard let innermost = open.popLast() else {
                    guard scanner.isAtEnd else { throw .expectingValue }
                    return complete
                }
                value = try add(complete, to: innermost)
            }
            value = try begin()
        }
    }

    /// Begins a value.
    ///
    /// - Returns: the value, if that is all of it; nil where an element or a member's value is to follow.
    private mutating func begin() throws(QMPError) -> JSONValue? {
        switch scanner.nextToken() {
        case UInt8(ascii: "["):
            if scanner.take(UInt8(ascii: "]")) { return .array([]) }
            try push(.array([]))
            return nil
        case UInt8(ascii: "{"):
            if scanner.take(UInt8(ascii: "}")) { return .object([JSONMember]()) }
            try push(.object([], name: try scanner.name()))
            return nil
        case UInt8(ascii: "\""): return .string(try scanner.string())
        case UInt8(ascii: "t"): return try scanner.word("rue", .boolean(true))
        case UInt8(ascii: "f"): return try scanner.word("alse", .boolean(false))
        case UInt8(ascii: "n"): return try scanner.word("ull", .null)
        case let byte?: return try scanner.number(from: byte)
        case nil: throw .expectingValue
        }
    }

    private mutating func push(_ value: Open) throws(QMPError) {
        guard open.count < JSONFraming.maximumDepth else { throw .limit("nesting depth") }
        open.append(value)
    }

    /// - Returns: the array or object, if it is complete now.
    private mutating func add(_ value: JSONValue, to innermost: consuming Open) throws(QMPError) -> JSONValue? {
        switch consume innermost {
        case .array(var elements):
            elements.append(value)
            if try scanner.endsList(with: UInt8(ascii: "]")) { return .array(elements) }
            open.append(.array(elements))
        case .object(var members, let name):
            members.append(JSONMember(name, value))
            if try scanner.endsList(with: UInt8(ascii: "}")) { return .object(try Self.sorted(members)) }
            open.append(.object(members, name: try scanner.name()))
        }
        return nil
    }

    /// In the order of their names, as QEMU has no order either.
    private static func sorted(_ members: [JSONMember]) throws(QMPError) -> [JSONMember] {
        let sorted = members.sorted { $0.name < $1.name }
        guard zip(sorted, sorted.dropFirst()).allSatisfy({ $0.name != $1.name }) else {
            throw .parseError("duplicate key")
        }
        return sorted
    }
}

extension QMPError {
    fileprivate static var expectingValue: QMPError { .parseError("expecting value") }
}

/// The words of a JSON text, from its begin to its end.
private struct JSONScanner {
    private let text: [UInt8]
    private var place = 0

    init(_ text: [UInt8]) { self.text = text }

    private var next: UInt8? { place < text.count ? text[place] : nil }

    private mutating func skipSpace() {
        while let byte = next, [9, 10, 13, 32].contains(byte) { place += 1 }
    }

    var isAtEnd: Bool {
        mutating get {
            skipSpace()
            return next == nil
        }
    }

    /// The first byte of the next word, taken.
    mutating func nextToken() -> UInt8? {
        skipSpace()
        defer { place += 1 }
        return next
    }

    /// Takes a byte if it is the next word.
    mutating func take(_ byte: UInt8) -> Bool {
        skipSpace()
        guard next == byte else { return false }
        place += 1
        return true
    }

    /// Takes the comma or the bracket behind an element.
    mutating func endsList(with bracket: UInt8) throws(QMPError) -> Bool {
        if take(UInt8(ascii: ",")) { return false }
        guard take(bracket) else { throw .expectingValue }
        return true
    }

    /// Takes the name of a member, and the colon.
    mutating func name() throws(QMPError) -> String {
        guard take(UInt8(ascii: "\"")) else { throw .expectingValue }
        let name = try string()
        guard take(UInt8(ascii: ":")) else { throw .expectingValue }
        return name
    }

    /// Takes the rest of `true`, `false` or `null`.
    mutating func word(_ rest: StaticString, _ value: JSONValue) throws(QMPError) -> JSONValue {
        for byte in "\(rest)".utf8 {
            guard next == byte else { throw .expectingValue }
            place += 1
        }
        return value
    }

    // MARK: Numbers

    /// Takes a number whose first byte was taken (section 6).
    mutating func number(from first: UInt8) throws(QMPError) -> JSONValue {
        let start = place - 1
        let leading = first == UInt8(ascii: "-") ? nextDigit() : Self.isDigit(first) ? first : nil
        guard let leading else { throw .expectingValue }
        if leading != UInt8(ascii: "0") { skipDigits() }
        var isWhole = true
        if next == UInt8(ascii: ".") {
            place += 1
            isWhole = false
            guard nextDigit() != nil else { throw .expectingValue }
            skipDigits()
        }
        if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
            place += 1
            isWhole = false
            if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { place += 1 }
            guard nextDigit() != nil else { throw .expectingValue }
            skipDigits()
        }
        return try Self.value(String(decoding: text[start..<place], as: UTF8.self), isWhole: isWhole)
    }

    private static func value(_ text: String, isWhole: Bool) throws(QMPError) -> JSONValue {
        if isWhole, let value = Int64(text) { return .integer(value) }
        if isWhole, let value = UInt64(text) { return .unsigned(value) }
        guard let value = Double(text), value.isFinite else { throw .expectingValue }
        return .number(value)
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    private mutating func nextDigit() -> UInt8? {
        guard let byte = next, Self.isDigit(byte) else { return nil }
        place += 1
        return byte
    }

    private mutating func skipDigits() { while nextDigit() != nil {} }

    // MARK: Strings

    /// Takes a string whose first quote was taken (section 7).
    mutating func string() throws(QMPError) -> String {
        var bytes: [UInt8] = []
        while let byte = next {
            place += 1
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: bytes, as: UTF8.self)
            case UInt8(ascii: "\\"): bytes += try escaped()
            case 0..<0x20: throw .expectingValue
            default: bytes.append(byte)
            }
        }
        throw .expectingValue
    }

    private mutating func escaped() throws(QMPError) -> [UInt8] {
        guard let byte = next else { throw .expectingValue }
        place += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [byte]
        case UInt8(ascii: "b"): return [8]
        case UInt8(ascii: "f"): return [12]
        case UInt8(ascii: "n"): return [10]
        case UInt8(ascii: "r"): return [13]
        case UInt8(ascii: "t"): return [9]
        case UInt8(ascii: "u"): return Array(String(Character(try scalar())).utf8)
        default: throw .expectingValue
        }
    }

    /// One unit of UTF-16, or the two of a surrogate pair.
    private mutating func scalar() throws(QMPError) -> Unicode.Scalar {
        let first = try unit()
        guard (0xD800...0xDBFF).contains(first) else {
            guard let scalar = Unicode.Scalar(first) else { throw .expectingValue }
            return scalar
        }
        for byte in "\\u".utf8 {
            guard next == byte else { throw .expectingValue }
            place += 1
        }
        let second = try unit()
        guard (0xDC00...0xDFFF).contains(second),
            let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
        else { throw .expectingValue }
        return scalar
    }

    private mutating func unit() throws(QMPError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = next, let digit = UInt32(String(decoding: [byte], as: UTF8.self), radix: 16) else {
                throw .expectingValue
            }
            place += 1
            value = value << 4 | digit
        }
        return value
    }
}
