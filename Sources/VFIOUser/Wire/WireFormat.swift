// Numbers of a message, little-endian, one after the other. What is read came from a client: reading past the end
// gives nil.

/// Takes a message apart.
struct WireReader {
    private(set) var rest: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) {
        rest = bytes
    }

    mutating func take<Value: FixedWidthInteger & UnsignedInteger>(_ type: Value.Type) -> Value? {
        let count = Value.bitWidth / 8
        guard rest.count >= count else { return nil }
        var value: Value = 0
        for (position, byte) in rest.prefix(count).enumerated() { value |= Value(byte) << (position * 8) }
        rest = rest.dropFirst(count)
        return value
    }
}

/// Puts a message together.
struct WireWriter {
    private(set) var bytes: [UInt8] = []

    mutating func put<Value: FixedWidthInteger & UnsignedInteger>(_ value: Value) {
        for position in 0..<Value.bitWidth / 8 { bytes.append(UInt8(truncatingIfNeeded: value >> (position * 8))) }
    }

    mutating func put(_ more: some Sequence<UInt8>) { bytes += more }
}
