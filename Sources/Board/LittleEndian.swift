// Everything that firmware hands to a guest is little-endian. These two build and read it without unsafe code.

extension [UInt8] {
    /// Appends an integer, least significant byte first.
    mutating func append<Value: FixedWidthInteger & UnsignedInteger>(littleEndian value: Value) {
        var rest = UInt64(truncatingIfNeeded: value)
        for _ in 0..<Value.bitWidth / 8 {
            append(UInt8(truncatingIfNeeded: rest))
            rest >>= 8
        }
    }

    /// Replaces the bytes from `offset` on with an integer; nothing happens where the array is too short.
    mutating func replace<Value: FixedWidthInteger & UnsignedInteger>(at offset: Int, with value: Value) {
        var encoded: [UInt8] = []
        encoded.append(littleEndian: value)
        replace(at: offset, with: encoded)
    }

    /// Replaces the bytes from `offset` on; nothing happens where the array is too short.
    mutating func replace(at offset: Int, with bytes: [UInt8]) {
        guard offset >= 0, bytes.count <= count, offset <= count - bytes.count else { return }
        replaceSubrange(offset..<offset + bytes.count, with: bytes)
    }

    /// The integer that starts at `offset`; nil where the array is too short.
    func integer<Value: FixedWidthInteger & UnsignedInteger>(_ type: Value.Type = Value.self, at offset: Int) -> Value?
    {
        let width = Value.bitWidth / 8
        guard offset >= 0, width <= count, offset <= count - width else { return nil }
        var value: UInt64 = 0
        for index in (offset..<offset + width).reversed() {
            value = value << 8 | UInt64(self[index])
        }
        return Value(truncatingIfNeeded: value)
    }

    /// The `count` bytes from `offset` on; nil where the array is too short.
    func slice(at offset: Int, count wanted: Int) -> [UInt8]? {
        guard offset >= 0, wanted >= 0, wanted <= count, offset <= count - wanted else { return nil }
        return [UInt8](self[offset..<offset + wanted])
    }
}
