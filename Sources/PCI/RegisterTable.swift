/// Little-endian registers as bytes, each bit with its rule: read-only, writable, or cleared by writing 1.
///
/// Accesses of every width at every offset are answered here once, so that no register has to think about them.
public struct RegisterTable: Sendable {
    private var values: [UInt8]
    private var writable: [UInt8]
    private var clearedByOne: [UInt8]

    /// - Parameter byteCount: the size in bytes; all bits are read-only zero at first.
    public init(byteCount: Int) {
        values = [UInt8](repeating: 0, count: max(byteCount, 0))
        writable = values
        clearedByOne = values
    }

    /// The size in bytes.
    public var byteCount: Int { values.count }

    /// Sets what a register holds and which of its bits a store changes. What lies past the end is left out.
    ///
    /// - Parameters:
    ///   - offset, byteCount: where the register is, in bytes; up to 8 of them.
    ///   - writable: the bits that take the stored value.
    ///   - clearedByOne: the bits that a stored 1 clears.
    public mutating func define(
        at offset: Int, byteCount: Int, value: UInt64 = 0, writable: UInt64 = 0, clearedByOne: UInt64 = 0
    ) {
        for (position, index) in indices(offset, byteCount) {
            values[index] = byte(position, of: value)
            self.writable[index] = byte(position, of: writable)
            self.clearedByOne[index] = byte(position, of: clearedByOne)
        }
    }

    /// The device's own view: sets bits whatever the guest may do with them.
    public mutating func set(_ value: UInt64, at offset: Int, byteCount: Int) {
        for (position, index) in indices(offset, byteCount) { values[index] = byte(position, of: value) }
    }

    /// A load by the guest, or by the device; bytes past the end are zero.
    public func load(at offset: Int, byteCount: Int) -> UInt64 {
        var result: UInt64 = 0
        for (position, index) in indices(offset, byteCount) {
            result |= UInt64(values[index]) &<< UInt64(position * 8)
        }
        return result
    }

    /// A store by the guest: each bit follows its rule; bytes past the end are dropped.
    public mutating func store(_ value: UInt64, at offset: Int, byteCount: Int) {
        for (position, index) in indices(offset, byteCount) {
            let stored = byte(position, of: value)
            let kept = values[index] & ~writable[index]
            values[index] = (kept | stored & writable[index]) & ~(stored & clearedByOne[index])
        }
    }

    /// The bytes of an access that exist: their position in the access, and in the table.
    private func indices(_ offset: Int, _ byteCount: Int) -> LazyMapCollection<Range<Int>, (Int, Int)> {
        let isInside = offset >= 0 && offset < values.count && byteCount > 0
        let count = isInside ? min(byteCount, 8, values.count - offset) : 0
        // Lazily, since every access to a register comes by: an array each time was a quarter of what a device costs
        // at the start.
        return (0..<count).lazy.map { ($0, offset + $0) }
    }

    private func byte(_ position: Int, of value: UInt64) -> UInt8 {
        UInt8(truncatingIfNeeded: value &>> UInt64(position * 8))
    }
}
