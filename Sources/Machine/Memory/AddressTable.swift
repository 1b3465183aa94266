import PCI

/// Which register block answers at which address. A value; the machine changes by putting another in its place.
struct AddressTable: Sendable {
    private struct Entry: Sendable {
        let start: UInt64
        let last: UInt64
        /// nil for a range that is kept for memory.
        let block: (any RegisterBlock)?
    }

    /// In order of address, never overlapping.
    private var entries: [Entry] = []

    /// Adds a block at `start` (a guest-physical address or a port), `byteCount` bytes long.
    ///
    /// - Returns: false, and nothing is added, when the range is empty, wraps or overlaps another: the guest moves BARs
    ///   where it likes, and the one that was there first stays.
    mutating func insert(_ block: any RegisterBlock, at start: UInt64, byteCount: UInt64) -> Bool {
        take(start, byteCount, for: block)
    }

    /// Keeps a range for memory, which the kernel maps: no block can come there, and an access finds none.
    ///
    /// - Returns: false when the range is empty, wraps or overlaps another.
    mutating func reserve(at start: UInt64, byteCount: UInt64) -> Bool { take(start, byteCount, for: nil) }

    private mutating func take(_ start: UInt64, _ byteCount: UInt64, for block: (any RegisterBlock)?) -> Bool {
        let (last, overflow) = start.addingReportingOverflow(byteCount &- 1)
        guard byteCount > 0, !overflow else { return false }
        guard !entries.contains(where: { start <= $0.last && $0.start <= last }) else { return false }
        let index = entries.firstIndex { $0.start > start } ?? entries.endIndex
        entries.insert(Entry(start: start, last: last, block: block), at: index)
        return true
    }

    /// Removes the block that was added at `start`, if it is this one.
    mutating func remove(_ block: any RegisterBlock, at start: UInt64) {
        entries.removeAll { $0.start == start && $0.block === block }
    }

    /// Undoes `reserve`.
    mutating func release(at start: UInt64) {
        entries.removeAll { $0.start == start && $0.block == nil }
    }

    /// The block that answers an access of `byteCount` bytes, and where in it; nil when none has all of these bytes.
    func block(at address: UInt64, byteCount: Int) -> (block: any RegisterBlock, offset: UInt64)? {
        var (low, high) = (0, entries.count)
        while low < high {
            let middle = (low + high) / 2
            let entry = entries[middle]
            if address > entry.last {
                low = middle + 1
            } else if address < entry.start {
                high = middle
            } else {
                let fits = UInt64(byteCount) &- 1 <= entry.last &- address
                guard fits, let block = entry.block else { return nil }
                return (block, address &- entry.start)
            }
        }
        return nil
    }
}
