import GuestMemory

/// The root pointer, where a guest starts reading (ACPI 6.5, section 5.2.5.3).
struct RSDP {
    static let byteCount = 36

    let xsdt: GuestAddress

    var bytes: [UInt8] {
        var bytes = Array("RSD PTR ".utf8) + [0] + Array("NEEDLE".utf8) + [2]
        bytes.append(littleEndian: UInt32(0))  // no table with 32-bit addresses
        bytes.append(littleEndian: UInt32(Self.byteCount))
        bytes.append(littleEndian: xsdt.rawValue)
        bytes += [0, 0, 0, 0]
        // The first sum covers what version 1 had, the second everything.
        bytes.replace(at: 8, with: SystemDescriptionTable.checksum(bytes.prefix(20)))
        bytes.replace(at: 32, with: SystemDescriptionTable.checksum(bytes[...]))
        return bytes
    }
}
