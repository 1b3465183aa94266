/// What follows a command's name, taken piece by piece.
struct HMPArguments {
    private var rest: ArraySlice<UInt8>
    /// Whose arguments they are, for messages.
    var verb: HMPVerb?
    /// Stands before the verb's name in help: `info `.
    var prefix = ""

    init(_ line: String) {
        rest = Array(line.utf8)[...]
    }

    /// The next word as it stands; nil at the end.
    mutating func takeName() -> String? {
        skipSpace()
        let word = rest.prefix { !isSpace($0) }
        guard !word.isEmpty else { return nil }
        rest = rest.dropFirst(word.count)
        return String(decoding: word, as: UTF8.self)
    }

    /// Everything up to the end of the line, spaces inside included.
    mutating func takeLine() -> String {
        skipSpace()
        defer { rest = [] }
        return String(decoding: rest, as: UTF8.self)
    }

    /// The next word, or what stands between double quotes; nil at the end.
    mutating func takeWord() throws(HMPError) -> String? {
        skipSpace()
        guard rest.first == UInt8(ascii: "\"") else { return takeName() }
        rest = rest.dropFirst()
        var word: [UInt8] = []
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: word, as: UTF8.self)
            case UInt8(ascii: "\\"): word.append(try takeEscape())
            default: word.append(byte)
            }
        }
        throw malformed("unterminated string")
    }

    private mutating func takeEscape() throws(HMPError) -> UInt8 {
        guard let byte = rest.popFirst() else { throw malformed("unterminated string") }
        switch byte {
        case UInt8(ascii: "n"): return 10
        case UInt8(ascii: "r"): return 13
        case UInt8(ascii: "\\"), UInt8(ascii: "'"), UInt8(ascii: "\""): return byte
        default:
            throw malformed("unsupported escape code: '\\\(String(decoding: [byte], as: UTF8.self))'")
        }
    }

    /// The one word that a command takes.
    mutating func takeOnlyWord() throws(HMPError) -> String {
        guard let word = try takeWord() else { throw problem("string expected") }
        try finish()
        return word
    }

    /// The next word, an unsigned number; nil at the end.
    mutating func takeUnsigned() throws(HMPError) -> UInt64? {
        guard let word = try takeWord() else { return nil }
        guard let number = parseUnsigned(word) else { throw problem("integer expected") }
        return number
    }

    /// The rest of the line, which a command must have.
    mutating func takeOnlyLine() throws(HMPError) -> String {
        let line = takeLine()
        guard !line.isEmpty else { throw problem("string expected") }
        return line
    }

    /// - Throws: when something is left.
    mutating func finish() throws(HMPError) {
        skipSpace()
        guard rest.isEmpty else { throw problem("extraneous characters at the end of line") }
    }

    func problem(_ text: String) -> HMPError {
        .arguments(command: verb?.namesText ?? "", problem: text, helpTopic: helpTopic)
    }

    private func malformed(_ text: String) -> HMPError { .malformedArguments(problem: text, helpTopic: helpTopic) }

    private var helpTopic: String { prefix + (verb?.names.first ?? "") }

    private mutating func skipSpace() {
        rest = rest.drop(while: isSpace)
    }
}

private func isSpace(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || (9...13).contains(byte) }
