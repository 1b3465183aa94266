/// Booleans, integers and identifiers of option strings.

/// `on`, `yes`, `true`, `y` and their opposites, in lower case; nil for anything else.
func parseBoolean(_ text: String) -> Bool? {
    switch text {
    case "on", "yes", "true", "y": true
    case "off", "no", "false", "n": false
    default: nil
    }
}

/// An unsigned integer: decimal, `0x` hexadecimal, or octal with a leading zero; nil for anything else.
func parseUnsigned(_ text: String) -> UInt64? {
    let digits = text.utf8.first == UInt8(ascii: "+") ? String(text.dropFirst()) : text
    guard let first = digits.utf8.first, hexadecimalDigit(first) != nil else { return nil }
    if digits.utf8.starts(with: "0x".utf8) || digits.utf8.starts(with: "0X".utf8) {
        return parseHexadecimal(String(decoding: digits.utf8.dropFirst(2), as: UTF8.self))
    }
    return UInt64(digits, radix: first == UInt8(ascii: "0") ? 8 : 10)
}

/// Hexadecimal digits and nothing else, not even a sign.
func parseHexadecimal(_ text: String) -> UInt64? {
    guard text.utf8.allSatisfy({ hexadecimalDigit($0) != nil }) else { return nil }
    return UInt64(text, radix: 16)
}

/// A letter, then letters, digits, `-`, `.` and `_`.
func isIdentifier(_ text: String) -> Bool {
    guard let first = text.utf8.first, isLetter(first) else { return false }
    return text.utf8.allSatisfy { byte in
        isLetter(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || "-._".utf8.contains(byte)
    }
}

func hexadecimalDigit(_ byte: UInt8) -> UInt64? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt64(byte - UInt8(ascii: "0"))
    case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt64(byte - UInt8(ascii: "a")) + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt64(byte - UInt8(ascii: "A")) + 10
    default: nil
    }
}

private func isLetter(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
}
