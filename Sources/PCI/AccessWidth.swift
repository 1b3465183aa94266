// Arithmetic of partial accesses. Widths and offsets come from the guest: everything here is defined for every value.

/// The low `byteCount` bytes of a value; all of it from 8 bytes on.
public func lowBytes(_ value: UInt64, _ byteCount: Int) -> UInt64 {
    byteCount >= 8 ? value : value & ((1 &<< UInt64(max(byteCount, 0) * 8)) &- 1)
}

/// The value of a load that no device claims: all ones (PCI 3.0, section 6.1).
public func allOnes(byteCount: Int) -> UInt64 { lowBytes(.max, byteCount) }

/// A part of an access that lies in one aligned 4-byte register.
struct AccessPiece {
    /// Where the part begins, in bytes.
    let offset: UInt64
    let byteCount: Int
    /// The position of the part's lowest bit in the whole access's value.
    let shift: UInt64
}

/// Cuts an access into parts that lie in one aligned 4-byte register each. What passes the end of the address space is
/// left out.
func dwordPieces(of offset: UInt64, byteCount: Int) -> [AccessPiece] {
    var pieces: [AccessPiece] = []
    var done = 0
    let byteCount = min(byteCount, 8)
    while done < byteCount {
        let (at, overflow) = offset.addingReportingOverflow(UInt64(done))
        guard !overflow else { break }
        let count = min(4 - Int(at & 3), byteCount - done)
        pieces.append(AccessPiece(offset: at, byteCount: count, shift: UInt64(done) * 8))
        done += count
    }
    return pieces
}
