import GuestMemory

/// Why device memory cannot lie where it was asked for, or nowhere.
public enum DeviceMemoryError: Error, Equatable, Sendable, CustomStringConvertible {
    /// A size of 0, or one that passes the end of the address space.
    case invalidSize(byteCount: UInt64)
    /// An alignment that is no power of two.
    case invalidAlignment(UInt64)
    /// The address is no multiple of the alignment, in bytes.
    case notAligned(GuestAddress, alignment: UInt64)
    /// The range passes what the guest's processors can address.
    case beyondAddressSpace(GuestRange, physicalAddressBits: Int)
    case overlapsRAM(GuestRange, ram: GuestRange)
    case overlapsDeviceMemory(GuestRange, existing: GuestRange)
    /// The range meets a PCI window or registers of the board.
    case overlapsBoard(GuestRange, reserved: GuestRange)
    /// No gap in the device memory window is large enough.
    case noSpace(byteCount: UInt64, alignment: UInt64)

    public var description: String {
        switch self {
        case .invalidSize(let byteCount):
            "\(byteCount) bytes there are none, or pass the end of the address space"
        case .invalidAlignment(let alignment): "an alignment of \(alignment) bytes is no power of two"
        case .notAligned(let address, let alignment): "address \(address) is no multiple of 0x\(hex(alignment))"
        case .beyondAddressSpace(let range, let bits):
            "range \(range) passes the end of the guest's address space of \(bits) bits"
        case .overlapsRAM(let range, let ram): "range \(range) overlaps RAM at \(ram)"
        case .overlapsDeviceMemory(let range, let existing): "range \(range) overlaps device memory at \(existing)"
        case .overlapsBoard(let range, let reserved):
            "range \(range) overlaps \(reserved), which PCI or the board's registers use"
        case .noSpace(let byteCount, let alignment):
            "no 0x\(hex(byteCount)) bytes, aligned to 0x\(hex(alignment)), are free in the device memory window"
        }
    }
}

func hex(_ value: UInt64) -> String { String(value, radix: 16) }

/// Hands out guest-physical addresses for device memory: the ranges that persistent memory devices occupy.
///
/// Without a given address a range starts at the lowest fit, on 128 MiB, or on 1 GiB where it is 1 GiB or more. 2 MiB
/// would do for the driver and for KVM's huge pages; 128 MiB is Linux' memory section on x86-64, and kernels before
/// 5.3 refuse persistent memory that shares a section with anything else. Address space is plentiful, and a range that
/// starts on a section leaves the rest of its last one free, so nothing is gained by packing tighter. 1 GiB lets KVM
/// use its largest page, if the host's mapping is congruent.
public struct DeviceMemoryAllocator: Sendable {
    /// What an address that a person gives must be a multiple of: the driver takes no less (2 MiB).
    public static let minimumAlignment: UInt64 = 2 << 20
    /// What chosen addresses are a multiple of, for ranges below 1 GiB.
    public static let sectionByteCount: UInt64 = 128 << 20
    /// The alignment of ranges of this size and more.
    public static let hugeByteCount: UInt64 = 1 << 30

    /// The ranges in use, in order of address.
    public private(set) var ranges: [GuestRange] = []
    private let layout: BoardLayout

    public init(layout: BoardLayout) {
        self.layout = layout
    }

    /// What `allocate(byteCount:)` aligns a range of this size to; the host's mapping should be aligned alike.
    public static func alignment(forByteCount byteCount: UInt64) -> UInt64 {
        byteCount >= hugeByteCount ? hugeByteCount : sectionByteCount
    }

    /// Takes the lowest free range.
    ///
    /// - Parameters:
    ///   - byteCount: above 0; need not be a multiple of anything.
    ///   - alignment: in bytes, a power of two; more than what the size asks for, if need be.
    /// - Throws: `invalidSize`, `invalidAlignment` or `noSpace`.
    public mutating func allocate(
        byteCount: UInt64, alignment: UInt64 = minimumAlignment
    ) throws(DeviceMemoryError) -> GuestRange {
        guard byteCount > 0 else { throw .invalidSize(byteCount: byteCount) }
        guard alignment.nonzeroBitCount == 1 else { throw .invalidAlignment(alignment) }
        let alignment = max(alignment, Self.alignment(forByteCount: byteCount))
        guard let range = lowestFit(byteCount: byteCount, alignment: alignment) else {
            throw .noSpace(byteCount: byteCount, alignment: alignment)
        }
        insert(range)
        return range
    }

    /// Takes the range at an address that a person chose (`memaddr`): anywhere where nothing else is, below 4 GiB too.
    ///
    /// - Throws: every case but `noSpace`.
    @discardableResult
    public mutating func allocate(
        at address: GuestAddress, byteCount: UInt64, alignment: UInt64 = minimumAlignment
    ) throws(DeviceMemoryError) -> GuestRange {
        guard alignment.nonzeroBitCount == 1 else { throw .invalidAlignment(alignment) }
        guard address.rawValue & (alignment &- 1) == 0 else { throw .notAligned(address, alignment: alignment) }
        guard let range = GuestRange(start: address, byteCount: byteCount) else {
            throw .invalidSize(byteCount: byteCount)
        }
        try check(range)
        insert(range)
        return range
    }

    /// Gives a range back.
    ///
    /// - Returns: false if it is not in use, exactly so.
    @discardableResult
    public mutating func release(_ range: GuestRange) -> Bool {
        guard let index = ranges.firstIndex(of: range) else { return false }
        ranges.remove(at: index)
        return true
    }
}

extension DeviceMemoryAllocator {
    private func check(_ range: GuestRange) throws(DeviceMemoryError) {
        guard range.last <= layout.lastAddress else {
            throw .beyondAddressSpace(range, physicalAddressBits: layout.physicalAddressBits)
        }
        if let ram = layout.ramRanges.first(where: range.overlaps) { throw .overlapsRAM(range, ram: ram) }
        let reserved = BoardLayout.reservedRanges + (layout.pciWindow64.map { [$0] } ?? [])
        if let other = reserved.first(where: range.overlaps) { throw .overlapsBoard(range, reserved: other) }
        if let other = ranges.first(where: range.overlaps) { throw .overlapsDeviceMemory(range, existing: other) }
    }

    private func lowestFit(byteCount: UInt64, alignment: UInt64) -> GuestRange? {
        guard let window = layout.deviceMemoryWindow else { return nil }
        var next: GuestAddress? = window.start
        for taken in ranges where taken.last >= window.start {
            guard let fit = fit(from: next, byteCount, alignment, within: window) else { return nil }
            if !fit.overlaps(taken) && fit.last < taken.start { return fit }
            next = taken.last.advanced(by: 1)
        }
        return fit(from: next, byteCount, alignment, within: window)
    }

    private func fit(
        from start: GuestAddress?, _ byteCount: UInt64, _ alignment: UInt64, within window: GuestRange
    ) -> GuestRange? {
        guard let start = start?.aligned(up: alignment), let range = GuestRange(start: start, byteCount: byteCount),
            range.last <= window.last
        else { return nil }
        return range
    }

    private mutating func insert(_ range: GuestRange) {
        let index = ranges.firstIndex { $0.start > range.start } ?? ranges.endIndex
        ranges.insert(range, at: index)
    }
}
