/// A system description table: a header of 36 bytes and a body (ACPI 6.5, section 5.2.6).
struct SystemDescriptionTable {
    static let headerByteCount = 36

    /// Four letters.
    let signature: String
    let revision: UInt8
    let body: [UInt8]

    /// The table with its length and its checksum.
    var bytes: [UInt8] {
        var bytes = Array(signature.utf8)
        bytes.append(littleEndian: UInt32(truncatingIfNeeded: Self.headerByteCount + body.count))
        bytes += [revision, 0]
        bytes += Array("NEEDLE".utf8) + Array("NEEDLETL".utf8)
        bytes.append(littleEndian: UInt32(1))
        bytes += Array("NTL ".utf8)
        bytes.append(littleEndian: UInt32(1))
        bytes += body
        bytes.replace(at: 9, with: Self.checksum(bytes[...]))
        return bytes
    }

    /// What makes the sum of all bytes 0.
    static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt8 { 0 &- bytes.reduce(0, &+) }
}

/// A register's place as ACPI writes it (ACPI 6.5, section 5.2.3.2).
struct GenericAddress {
    /// A byte at an input/output port.
    static func port(_ port: UInt16) -> [UInt8] {
        var bytes: [UInt8] = [0x01, 8, 0, 1]
        bytes.append(littleEndian: UInt64(port))
        return bytes
    }

    /// A register that is not there.
    static let none = [UInt8](repeating: 0, count: 12)
}
