import GuestMemory
import Host
import Synchronization

/// The guest's memory as far as the client has given it, kept in a `GuestMemory` for the device.
///
/// Ranges that come without a file are known and never accessed: this server asks the client for no copies. The
/// device's own storage is part of it as well, wherever its BAR is, so that buffers may lie there.
final class ClientMemory: Sendable {
    private struct State {
        var table = DMATable()
        /// The storage where its BAR is now, if that is in the map.
        var window: MemoryRegion?
    }

    private static let pageByteCount: UInt64 = 4096

    private let memory: GuestAddressSpace
    private let state = Mutex(State())

    init(_ memory: GuestAddressSpace) {
        self.memory = memory
    }

    /// Takes a range of the client's memory.
    ///
    /// - Parameter file: what came with the message; nil for a range that cannot be accessed.
    /// - Throws: `invalid` for a range that is empty, wraps or is no multiple of a page, for flags that there are not,
    ///   and for a file that is too short; `exists`, `tooMany`; `wrongDescriptor` for what is neither memfd, tmpfs nor
    ///   hugetlbfs; the kernel's own reason.
    func map(_ request: MemoryMapping, file: SharedDescriptor?) throws(Refusal) {
        let range = try Self.range(request.address, request.byteCount)
        let known = MemoryMapping.readable | MemoryMapping.writable
        guard request.flags & ~known == 0, request.flags & MemoryMapping.readable != 0 else { throw .invalid }
        let region = try file.map { (file) throws(Refusal) in try Self.region(range, request, file) }
        try state.withLock { (state) throws(Refusal) in
            try state.table.insert(range)
            guard let region else { return }
            // What the client says of its memory counts more than where a BAR happens to be.
            if let window = state.window, window.range.overlaps(range) { take(&state.window) }
            do throws(GuestMemoryError) {
                try memory.update { (map) throws(GuestMemoryError) in try map.insert(region) }
            } catch {
                try state.table.remove(range)
                throw .exists
            }
        }
    }

    /// Gives a range back. Nothing uses its memory any more when this returns.
    ///
    /// - Throws: `invalid` or `notFound`.
    func unmap(_ request: MemoryUnmapping) throws(Refusal) {
        if request.flags == MemoryUnmapping.all {
            guard request.address == 0, request.byteCount == 0 else { throw .invalid }
            return unmapAll()
        }
        guard request.flags == 0 else { throw .invalid }
        let range = try Self.range(request.address, request.byteCount)
        try state.withLock { (state) throws(Refusal) in try state.table.remove(range) }
        forget([range])
    }

    /// Gives everything back.
    func unmapAll() {
        let ranges = state.withLock { state in
            defer { state.table.removeAll() }
            return state.table.ranges
        }
        forget(ranges)
    }

    /// Shows the device's storage at an address; nil takes it away. Where the client has memory it stays away.
    func showStorage(_ region: MemoryRegion?) {
        state.withLock { state in
            take(&state.window)
            guard let region else { return }
            let inserted = try? memory.update { (map) throws(GuestMemoryError) in
                try map.insert(region)
                return true
            }
            if inserted == true { state.window = region }
        }
    }

    private func take(_ window: inout MemoryRegion?) {
        guard let range = window?.range else { return }
        window = nil
        _ = try? memory.update { (map) throws(GuestMemoryError) in _ = map.remove(range) }
    }

    /// The device's thread may be in the middle of a copy, with a map that still has the memory
    /// ("VFIO_USER_DMA_UNMAP": all references are to be released before the reply).
    private func forget(_ ranges: [GuestRange]) {
        let holders = remove(Set(ranges))
        holders.waitUntilGone()
    }

    /// In a function of its own, so that nothing here holds a mapping when the wait begins.
    private func remove(_ ranges: Set<GuestRange>) -> Holders {
        // A range without a file may be where the storage is, which stays.
        let regions = memory.map.regions.filter { $0.purpose == .ram && ranges.contains($0.range) }
        _ = try? memory.update { (map) throws(GuestMemoryError) in for region in regions { map.remove(region.range) } }
        return Holders(regions.map(\.mapping))
    }

    private static func range(_ address: UInt64, _ byteCount: UInt64) throws(Refusal) -> GuestRange {
        guard address % pageByteCount == 0, byteCount % pageByteCount == 0,
            let range = GuestRange(start: GuestAddress(address), byteCount: byteCount)
        else { throw .invalid }
        return range
    }

    private static func region(
        _ range: GuestRange, _ request: MemoryMapping, _ file: SharedDescriptor
    ) throws(Refusal) -> MemoryRegion {
        let mapping = try ClientFile(file).map(
            offset: request.offset, byteCount: request.byteCount, readOnly: request.flags & MemoryMapping.writable == 0)
        guard let region = MemoryRegion(range: range, mapping: mapping, purpose: .ram) else { throw .invalid }
        return region
    }
}

/// Waits for others to let go of mappings.
private struct Holders {
    private struct Entry { weak var mapping: HostMapping? }

    private let entries: [Entry]

    init(_ mappings: consuming [HostMapping]) {
        entries = mappings.map { Entry(mapping: $0) }
    }

    /// A sync in flight holds the map, too, and ends.
    func waitUntilGone() {
        while entries.contains(where: { $0.mapping != nil }) { Sleep.milliseconds(1) }
    }
}
