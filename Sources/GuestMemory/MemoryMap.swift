import Host

/// Memory that the guest sees at a range of guest-physical addresses.
public struct MemoryRegion: Sendable {
    /// What the region is for.
    public enum Purpose: Sendable, Equatable {
        case ram
        /// A persistent memory device's storage, with the id of its device or backend.
        case persistentMemory(String)
    }

    public let range: GuestRange
    /// The host memory that backs the range; its first byte is the range's first byte.
    public let mapping: HostMapping
    public let purpose: Purpose

    /// nil unless the mapping has as many bytes as the range.
    public init?(range: GuestRange, mapping: HostMapping, purpose: Purpose) {
        guard UInt64(mapping.byteCount) == range.byteCount else { return nil }
        self.range = range
        self.mapping = mapping
        self.purpose = purpose
    }
}

/// What can be wrong with an access to guest memory, or with a change of its map.
public enum GuestMemoryError: Error, Equatable, Sendable {
    /// No memory lies at this address.
    case unmapped(GuestAddress)
    /// The range passes the end of the address space.
    case wraps(GuestAddress)
    /// The address is no multiple of what the access asks for.
    case misaligned(GuestAddress)
    /// The region can only be read.
    case readOnly(GuestAddress)
    /// The page behind this address is not there: its file has shrunk, or its disk is full.
    case fault(GuestAddress)
    /// A new region overlaps one that is there.
    case overlap(GuestRange, existing: GuestRange)
}

/// The guest-physical address space: which memory lies where. A value; a change makes a new one.
public struct MemoryMap: Sendable {
    /// In order of address, never overlapping.
    public private(set) var regions: [MemoryRegion] = []

    public init() {}

    /// Adds a region.
    ///
    /// - Throws: `overlap` when one of its addresses is taken.
    public mutating func insert(_ region: MemoryRegion) throws(GuestMemoryError) {
        if let other = regions.first(where: { $0.range.overlaps(region.range) }) {
            throw .overlap(region.range, existing: other.range)
        }
        let index = regions.firstIndex { $0.range.start > region.range.start } ?? regions.endIndex
        regions.insert(region, at: index)
    }

    /// Removes the region with exactly this range.
    ///
    /// - Returns: the region; nil if there is none.
    @discardableResult
    public mutating func remove(_ range: GuestRange) -> MemoryRegion? {
        guard let index = regions.firstIndex(where: { $0.range == range }) else { return nil }
        return regions.remove(at: index)
    }

    /// The region that holds an address.
    public func region(at address: GuestAddress) -> MemoryRegion? {
        var (low, high) = (0, regions.count)
        while low < high {
            let middle = (low + high) / 2
            let region = regions[middle]
            if region.range.contains(address) { return region }
            if address < region.range.start { high = middle } else { low = middle + 1 }
        }
        return nil
    }

    /// Whether memory lies at every address of the range.
    public func covers(_ address: GuestAddress, byteCount: Int) -> Bool {
        (try? forEachPiece(of: address, byteCount: byteCount) { _, _, _, _ in }) != nil
    }
}

extension MemoryMap {
    /// Calls `body` for each piece of the range that lies in one region: the region, the piece's offset in it, the
    /// piece's offset in the range and its size, all in bytes.
    package func forEachPiece(
        of address: GuestAddress, byteCount: Int,
        _ body: (MemoryRegion, Int, Int, Int) throws(GuestMemoryError) -> Void
    ) throws(GuestMemoryError) {
        guard byteCount > 0 else { return }
        guard let whole = GuestRange(start: address, byteCount: UInt64(byteCount)) else { throw .wraps(address) }
        var done = 0
        while done < byteCount {
            let at = GuestAddress(whole.start.rawValue &+ UInt64(done))
            guard let region = region(at: at) else { throw .unmapped(at) }
            let offset = at.rawValue &- region.range.start.rawValue
            let piece = Int(min(UInt64(byteCount - done), region.range.byteCount &- offset))
            try body(region, Int(offset), done, piece)
            done += piece
        }
    }
}
