import GuestMemory
import Host
import PCI

/// The regions of a device, as a client reads and writes them.
struct Regions {
    private static let configurationByteCount: UInt64 = 256

    private let device: ServedDevice
    /// The storage from address 0 on, for a client that does not map it.
    private let storage: MemoryMap

    init(_ device: ServedDevice) {
        self.device = device
        var map = MemoryMap()
        if let mapping = device.storage?.mapping,
            let range = GuestRange(start: GuestAddress(0), byteCount: UInt64(clamping: mapping.byteCount)),
            let region = MemoryRegion(range: range, mapping: mapping, purpose: .ram)
        {
            try? map.insert(region)
        }
        storage = map
    }

    /// - Throws: `invalid` for an index that there is not.
    func information(_ index: UInt32) throws(Refusal) -> RegionInformation {
        guard index < UInt32(RegionIndex.count) else { throw .invalid }
        var information = RegionInformation(index: index)
        if Int(index) == RegionIndex.configuration { information.size = Self.configurationByteCount }
        guard let bar = bar(index) else { return information }
        information.size = bar.byteCount
        if let storage = device.storage, storage.bar == bar.index {
            information.isWritable = !storage.mapping.isReadOnly
            information.mappableByteCount = UInt64(clamping: storage.mapping.byteCount)
            information.fileOffset = storage.fileOffset
        }
        return information
    }

    /// Loads a range of a region, piece by piece.
    ///
    /// - Throws: `invalid` for a range that is not in the region, `fault`.
    func load(_ access: RegionAccess) throws(Refusal) -> [UInt8] {
        try check(access)
        if isStorage(access.region) { return try loadStorage(access) }
        var writer = WireWriter()
        for piece in Pieces(access) {
            let value = load(access.region, piece)
            writer.put((0..<piece.byteCount).map { UInt8(truncatingIfNeeded: value >> (UInt64($0) * 8)) })
        }
        return writer.bytes
    }

    /// Stores into a range of a region, piece by piece.
    ///
    /// - Parameter data: as many bytes as the range has.
    /// - Throws: `invalid` for a range that is not in the region, or cannot be written; `fault`.
    func store(_ access: RegionAccess, _ data: [UInt8]) throws(Refusal) {
        try check(access)
        guard data.count == Int(access.byteCount) else { throw .invalid }
        if isStorage(access.region) { return try storeStorage(access, data) }
        for piece in Pieces(access) {
            let bytes = data.dropFirst(Int(piece.offset - access.offset)).prefix(piece.byteCount)
            let value = bytes.enumerated().reduce(UInt64(0)) { $0 | UInt64($1.element) << (UInt64($1.offset) * 8) }
            store(access.region, piece, value)
        }
    }

    private func bar(_ index: UInt32) -> BaseAddressRegister? {
        device.function.bars.first { $0.index == Int(index) }
    }

    private func check(_ access: RegionAccess) throws(Refusal) {
        let size = try information(access.region).size
        let (end, overflow) = access.offset.addingReportingOverflow(UInt64(access.byteCount))
        guard !overflow, end <= size, access.byteCount > 0, Int(access.byteCount) <= ServerVersion.largestTransfer
        else {
            throw .invalid
        }
    }
}

// MARK: - Registers

extension Regions {
    private func load(_ region: UInt32, _ piece: Piece) -> UInt64 {
        if Int(region) == RegionIndex.configuration {
            return device.function.loadConfiguration(at: piece.offset, byteCount: piece.byteCount)
        }
        return bar(region)?.contents?.load(at: piece.offset, byteCount: piece.byteCount) ?? 0
    }

    private func store(_ region: UInt32, _ piece: Piece, _ value: UInt64) {
        if Int(region) == RegionIndex.configuration {
            return device.function.storeConfiguration(value, at: piece.offset, byteCount: piece.byteCount)
        }
        bar(region)?.contents?.store(value, at: piece.offset, byteCount: piece.byteCount)
    }

    /// A part of an access that is one access of a processor: 1, 2, 4 or 8 bytes at a multiple of that.
    fileprivate struct Piece {
        let offset: UInt64
        let byteCount: Int
    }

    /// The largest pieces of an access, in order. The access has been checked.
    fileprivate struct Pieces: Sequence, IteratorProtocol {
        private var offset: UInt64
        private var rest: UInt64

        init(_ access: RegionAccess) {
            offset = access.offset
            rest = UInt64(access.byteCount)
        }

        mutating func next() -> Piece? {
            guard rest > 0 else { return nil }
            var byteCount: UInt64 = 8
            while byteCount > rest || offset % byteCount != 0 { byteCount /= 2 }
            defer {
                offset += byteCount
                rest -= byteCount
            }
            return Piece(offset: offset, byteCount: Int(byteCount))
        }
    }
}

// MARK: - Storage

extension Regions {
    private func isStorage(_ region: UInt32) -> Bool { device.storage?.bar == Int(region) }

    /// What lies between the end of the file and the end of the BAR reads as zeros.
    private func loadStorage(_ access: RegionAccess) throws(Refusal) -> [UInt8] {
        let count = storedByteCount(access)
        do throws(GuestMemoryError) {
            let bytes = try storage.bytes(at: GuestAddress(access.offset), count: count)
            return bytes + [UInt8](repeating: 0, count: Int(access.byteCount) - count)
        } catch { throw .fault }
    }

    private func storeStorage(_ access: RegionAccess, _ data: [UInt8]) throws(Refusal) {
        guard device.storage?.mapping.isReadOnly == false else { throw .invalid }
        do throws(GuestMemoryError) {
            try storage.write(Array(data.prefix(storedByteCount(access))), at: GuestAddress(access.offset))
        } catch { throw .fault }
    }

    /// How much of an access lies in the file.
    private func storedByteCount(_ access: RegionAccess) -> Int {
        let size = UInt64(clamping: device.storage?.mapping.byteCount ?? 0)
        return access.offset < size ? Int(min(UInt64(access.byteCount), size - access.offset)) : 0
    }
}
