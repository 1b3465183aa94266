import GuestMemory

/// Which ranges the client has declared, with memory behind them or without (vfio-user specification,
/// "VFIO_USER_DMA_MAP").
struct DMATable {
    /// In order of address, never overlapping.
    private(set) var ranges: [GuestRange] = []

    /// Adds a range.
    ///
    /// - Throws: `exists` where one of its addresses is taken, `tooMany`.
    mutating func insert(_ range: GuestRange) throws(Refusal) {
        let index = index(of: range.start)
        // The one before may reach into it, the one at or behind its start may begin in it.
        if index > 0, ranges[index - 1].overlaps(range) { throw .exists }
        if index < ranges.count, ranges[index].overlaps(range) { throw .exists }
        guard ranges.count < ServerVersion.mostMemoryMaps else { throw .tooMany }
        ranges.insert(range, at: index)
    }

    /// Removes the range of exactly this address and size.
    ///
    /// - Throws: `notFound`.
    mutating func remove(_ range: GuestRange) throws(Refusal) {
        let index = index(of: range.start)
        guard index < ranges.count, ranges[index] == range else { throw .notFound }
        ranges.remove(at: index)
    }

    mutating func removeAll() { ranges = [] }

    /// The place of the first range that does not begin below an address.
    private func index(of start: GuestAddress) -> Int {
        var (low, high) = (0, ranges.count)
        while low < high {
            let middle = (low + high) / 2
            if ranges[middle].start < start { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
