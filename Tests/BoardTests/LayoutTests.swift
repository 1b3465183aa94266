import Board
import GuestMemory
import Testing

struct LayoutCase: Sendable, CustomTestStringConvertible {
    let ram: UInt64
    let bits: Int
    let low: UInt64
    let high: UInt64
    let deviceStart: UInt64
    let windowStart: UInt64
    var testDescription: String { "\(ram >> 20) MiB, \(bits) bits" }
}

@Suite struct LayoutTests {
    @Test(arguments: [
        LayoutCase(
            ram: 512 * mebibyte, bits: 40, low: 512 * mebibyte, high: 0, deviceStart: 4 * gibibyte,
            windowStart: 768 * gibibyte),
        LayoutCase(
            ram: 3 * gibibyte, bits: 40, low: 3 * gibibyte, high: 0, deviceStart: 4 * gibibyte,
            windowStart: 768 * gibibyte),
        LayoutCase(
            ram: 4 * gibibyte + 4096, bits: 36, low: 3 * gibibyte, high: gibibyte + 4096, deviceStart: 6 * gibibyte,
            windowStart: 48 * gibibyte),
        LayoutCase(
            ram: 16 * gibibyte, bits: 52, low: 3 * gibibyte, high: 13 * gibibyte, deviceStart: 17 * gibibyte,
            windowStart: 6 << 40),
    ])
    func placesRAM(_ row: LayoutCase) throws {
        let layout = try BoardLayout(ramByteCount: row.ram, physicalAddressBits: row.bits)
        #expect(layout.lowRAM == GuestRange(start: GuestAddress(0), byteCount: row.low))
        #expect(layout.highRAM == GuestRange(start: GuestAddress(4 * gibibyte), byteCount: row.high))
        #expect(layout.deviceMemoryWindow?.start.rawValue == row.deviceStart)
        #expect(layout.pciWindow64?.start.rawValue == row.windowStart)
        #expect(layout.deviceMemoryWindow?.last.rawValue == row.windowStart - 1)
    }

    @Test(arguments: [
        (UInt64(0), 40, LayoutError.ramTooSmall(byteCount: 0)),
        (mebibyte, 40, .ramTooSmall(byteCount: mebibyte)),
        (2 * mebibyte + 1, 40, .ramNotWholePages(byteCount: 2 * mebibyte + 1)),
        (64 * gibibyte, 36, .ramTooLarge(byteCount: 64 * gibibyte, physicalAddressBits: 36)),
        (UInt64.max & ~4095, 40, .ramTooLarge(byteCount: UInt64.max & ~4095, physicalAddressBits: 40)),
        (gibibyte, 32, .addressWidth(32)),
    ])
    func refuses(_ ram: UInt64, _ bits: Int, _ error: LayoutError) {
        #expect(throws: error) { try BoardLayout(ramByteCount: ram, physicalAddressBits: bits) }
    }

    @Test func ramThatFillsTheSpaceLeavesNoWindows() throws {
        let layout = try BoardLayout(ramByteCount: 63 * gibibyte, physicalAddressBits: 36)
        #expect(layout.deviceMemoryWindow == nil)
        #expect(layout.pciWindow64 == nil)
        var allocator = DeviceMemoryAllocator(layout: layout)
        #expect(throws: DeviceMemoryError.noSpace(byteCount: 4096, alignment: 128 * mebibyte)) {
            try allocator.allocate(byteCount: 4096)
        }
    }

    @Test func firmwareMapIsOrderedAndDisjoint() throws {
        let layout = try BoardLayout(ramByteCount: 5 * gibibyte, physicalAddressBits: 40)
        let map = layout.firmwareMemoryMap
        for (one, next) in zip(map, map.dropFirst()) { #expect(one.range.last < next.range.start) }
        let ram = map.filter { $0.kind == .ram }.reduce(0) { $0 + $1.range.byteCount }
        #expect(ram == 5 * gibibyte - (mebibyte - 0x9FC00))
    }
}

struct RefusedAddress: Sendable, CustomTestStringConvertible {
    let name: String
    let address: UInt64
    let byteCount: UInt64
    let error: DeviceMemoryError
    var testDescription: String { name }
}

private func range(_ start: UInt64, _ byteCount: UInt64) -> GuestRange {
    GuestRange(start: GuestAddress(start), byteCount: byteCount)!
}

@Suite struct DeviceMemoryTests {
    private func allocator(ram: UInt64 = 64 * mebibyte, bits: Int = 40) throws -> DeviceMemoryAllocator {
        DeviceMemoryAllocator(layout: try BoardLayout(ramByteCount: ram, physicalAddressBits: bits))
    }

    @Test func goesUpwardsOnSectionsAndGibibytes() throws {
        var allocator = try allocator(ram: 6 * gibibyte)
        let range1 = try allocator.allocate(byteCount: 16 * mebibyte)
        #expect(range1.start.rawValue == 7 * gibibyte)
        let range2 = try allocator.allocate(byteCount: 129 * mebibyte)
        #expect(range2.start.rawValue == 7 * gibibyte + 128 * mebibyte)
        let range3 = try allocator.allocate(byteCount: gibibyte)
        #expect(range3.start.rawValue == 8 * gibibyte)
        let range4 = try allocator.allocate(byteCount: 5_000)
        #expect(range4.start.rawValue == 7 * gibibyte + 384 * mebibyte)
        let range5 = try allocator.allocate(byteCount: mebibyte, alignment: 4 * gibibyte)
        #expect(range5.start.rawValue == 12 * gibibyte)
    }

    @Test func reusesWhatWasReleased() throws {
        var allocator = try allocator()
        let first = try allocator.allocate(byteCount: 4 * gibibyte)
        let second = try allocator.allocate(byteCount: gibibyte)
        #expect(first.start.rawValue == 4 * gibibyte && second.start.rawValue == 8 * gibibyte)
        let released = [first, first, range(8 * gibibyte, 2 * gibibyte)].map { allocator.release($0) }
        #expect(released == [true, false, false])
        let range6 = try allocator.allocate(byteCount: 5 * gibibyte)
        #expect(range6.start.rawValue == 9 * gibibyte)
        let range7 = try allocator.allocate(byteCount: 4 * gibibyte)
        #expect(range7 == first)
        #expect(allocator.ranges.map(\.start.rawValue) == [4 * gibibyte, 8 * gibibyte, 9 * gibibyte])
    }

    @Test func takesGivenAddresses() throws {
        var allocator = try allocator()
        try allocator.allocate(at: GuestAddress(0x4000_0000), byteCount: 64 * mebibyte)
        try allocator.allocate(at: GuestAddress(4 * gibibyte + 2 * mebibyte), byteCount: gibibyte)
        let range8 = try allocator.allocate(byteCount: 16 * mebibyte)
        #expect(range8.start.rawValue == 5 * gibibyte + 128 * mebibyte)
    }

    @Test func fillsUpToTheWindowsEnd() throws {
        var allocator = try allocator(bits: 36)
        let range9 = try allocator.allocate(byteCount: 44 * gibibyte)
        #expect(range9 == range(4 * gibibyte, 44 * gibibyte))
        #expect(throws: DeviceMemoryError.noSpace(byteCount: 1, alignment: 128 * mebibyte)) {
            try allocator.allocate(byteCount: 1)
        }
    }

    @Test(arguments: [
        RefusedAddress(
            name: "RAM", address: 0, byteCount: mebibyte,
            error: .overlapsRAM(range(0, mebibyte), ram: range(0, 64 * mebibyte))),
        RefusedAddress(
            name: "the end of RAM", address: 62 * mebibyte, byteCount: 4 * mebibyte,
            error: .overlapsRAM(range(62 * mebibyte, 4 * mebibyte), ram: range(0, 64 * mebibyte))),
        RefusedAddress(
            name: "32-bit PCI window", address: 0xBFE0_0000, byteCount: 4 * mebibyte,
            error: .overlapsBoard(range(0xBFE0_0000, 4 * mebibyte), reserved: BoardLayout.pciWindow32)),
        RefusedAddress(
            name: "configuration space", address: 0xE000_0000, byteCount: mebibyte,
            error: .overlapsBoard(range(0xE000_0000, mebibyte), reserved: BoardLayout.configurationSpace)),
        RefusedAddress(
            name: "I/O APIC", address: 0xFEC0_0000, byteCount: mebibyte,
            error: .overlapsBoard(range(0xFEC0_0000, mebibyte), reserved: BoardLayout.ioAPIC)),
        RefusedAddress(
            name: "local APIC", address: 0xFEE0_0000, byteCount: mebibyte,
            error: .overlapsBoard(range(0xFEE0_0000, mebibyte), reserved: BoardLayout.localAPIC)),
        RefusedAddress(
            name: "board registers", address: 0xFEA0_0000, byteCount: 2 * mebibyte,
            error: .overlapsBoard(range(0xFEA0_0000, 2 * mebibyte), reserved: BoardLayout.boardRegisters)),
        RefusedAddress(
            name: "not on 2 MiB", address: 0xFFE0_1000, byteCount: 2 * mebibyte,
            error: .notAligned(GuestAddress(0xFFE0_1000), alignment: 2 * mebibyte)),
        RefusedAddress(
            name: "KVM's pages", address: 0xFFE0_0000, byteCount: 2 * mebibyte,
            error: .overlapsBoard(range(0xFFE0_0000, 2 * mebibyte), reserved: BoardLayout.kvmIdentityMap)),
        RefusedAddress(
            name: "64-bit PCI window", address: 768 * gibibyte, byteCount: mebibyte,
            error: .overlapsBoard(range(768 * gibibyte, mebibyte), reserved: range(768 * gibibyte, 256 * gibibyte))),
        RefusedAddress(
            name: "beyond 40 bits", address: 1 << 40, byteCount: mebibyte,
            error: .beyondAddressSpace(range(1 << 40, mebibyte), physicalAddressBits: 40)),
        RefusedAddress(
            name: "wraps", address: .max & ~0x1F_FFFF, byteCount: 4 * mebibyte,
            error: .invalidSize(byteCount: 4 * mebibyte)),
        RefusedAddress(name: "size 0", address: 4 * gibibyte, byteCount: 0, error: .invalidSize(byteCount: 0)),
        RefusedAddress(
            name: "other device memory", address: 4 * gibibyte + 2 * mebibyte, byteCount: 2 * mebibyte,
            error: .overlapsDeviceMemory(
                range(4 * gibibyte + 2 * mebibyte, 2 * mebibyte), existing: range(4 * gibibyte, 4 * mebibyte))),
    ])
    func refusesAddresses(_ row: RefusedAddress) throws {
        var allocator = try allocator()
        try allocator.allocate(at: GuestAddress(4 * gibibyte), byteCount: 4 * mebibyte)
        let before = allocator.ranges
        #expect(throws: row.error) {
            try allocator.allocate(at: GuestAddress(row.address), byteCount: row.byteCount)
        }
        #expect(allocator.ranges == before)
        #expect(!row.error.description.isEmpty)
    }

    @Test func refusesOddAlignment() throws {
        var allocator = try allocator()
        #expect(throws: DeviceMemoryError.invalidAlignment(3)) { try allocator.allocate(byteCount: 1, alignment: 3) }
        #expect(throws: DeviceMemoryError.invalidAlignment(0)) {
            try allocator.allocate(at: GuestAddress(0), byteCount: 1, alignment: 0)
        }
    }
}
