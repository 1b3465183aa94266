import Host
import Testing

@testable import GuestMemory

/// A region of anonymous memory.
func region(_ start: UInt64, _ byteCount: Int, readOnly: Bool = false) throws -> MemoryRegion {
    let mapping = try HostMapping(.anonymous(reserve: false), byteCount: byteCount, readOnly: readOnly)
    let range = try #require(GuestRange(start: GuestAddress(start), byteCount: UInt64(byteCount)))
    return try #require(MemoryRegion(range: range, mapping: mapping, purpose: .ram))
}

func map(_ regions: [MemoryRegion]) throws -> MemoryMap {
    var map = MemoryMap()
    for region in regions { try map.insert(region) }
    return map
}

@Suite struct MemoryMapTests {
    @Test(
        "ranges that are empty or wrap do not exist",
        arguments: [
            (0, 0, false), (0, 1, true), (.max, 1, true), (.max, 2, false), (1, .max, true), (2, .max, false),
            (0, .max, true),
        ] as [(UInt64, UInt64, Bool)])
    func ranges(_ start: UInt64, _ byteCount: UInt64, _ exists: Bool) {
        #expect((GuestRange(start: GuestAddress(start), byteCount: byteCount) != nil) == exists)
    }

    @Test(
        "alignment rounds up, and ends at the end",
        arguments: [
            (0, 4096, 0), (1, 4096, 4096), (4096, 4096, 4096), (.max, 1, .max), (.max - 4094, 4096, nil),
        ] as [(UInt64, UInt64, UInt64?)])
    func alignment(_ address: UInt64, _ alignment: UInt64, _ expected: UInt64?) {
        #expect(GuestAddress(address).aligned(up: alignment)?.rawValue == expected)
    }

    @Test("a region has as many bytes as its mapping")
    func sizes() throws {
        let mapping = try HostMapping(.anonymous(reserve: false), byteCount: 4096)
        let range = try #require(GuestRange(start: GuestAddress(0), byteCount: 8192))
        #expect(MemoryRegion(range: range, mapping: mapping, purpose: .ram) == nil)
    }

    @Test(
        "regions never overlap",
        arguments: [
            (0x1000, 0x1000, true), (0x4000, 0x1000, true), (0x1000, 0x1001, false), (0x3fff, 0x1000, false),
            (0x2800, 0x100, false),
            (0x1000, 0x8000, false), (0x2000, 0x2000, false), (0x3fff, 1, false), (0, 0x2000, true),
        ])
    func overlaps(_ start: UInt64, _ byteCount: Int, _ fits: Bool) throws {
        let existing = try region(0x2000, 0x2000)
        var map = try map([existing])
        let new = try region(start, byteCount)
        if fits {
            try map.insert(new)
            #expect(map.regions.map(\.range.start) == [existing, new].map(\.range.start).sorted())
        } else {
            #expect(throws: GuestMemoryError.overlap(new.range, existing: existing.range)) { try map.insert(new) }
            #expect(map.regions.count == 1)
        }
    }

    @Test("the region of an address is found among many, in whatever order they came")
    func lookup() throws {
        let starts = (0..<64).map { UInt64($0) * 0x3000 + 0x1000 }
        let map = try map(starts.shuffled().map { try region($0, 0x2000) })
        #expect(map.regions.map(\.range.start.rawValue) == starts)
        for start in starts {
            for inside in [start, start + 0x1000, start + 0x1fff] {
                #expect(map.region(at: GuestAddress(inside))?.range.start.rawValue == start)
            }
            for outside in [start - 1, start + 0x2000] { #expect(map.region(at: GuestAddress(outside)) == nil) }
        }
        #expect(map.region(at: GuestAddress(.max)) == nil)
        #expect(MemoryMap().region(at: GuestAddress(0)) == nil)
    }

    @Test("only the exact range is removed")
    func remove() throws {
        let first = try region(0x1000, 0x2000)
        var map = try map([first, region(0x3000, 0x1000)])
        #expect(map.remove(try #require(GuestRange(start: GuestAddress(0x1000), byteCount: 0x1000))) == nil)
        #expect(map.remove(first.range)?.range == first.range)
        #expect(map.remove(first.range) == nil)
        #expect(map.regions.count == 1)
        try map.insert(region(0x1000, 0x2000))
    }

    @Test(
        "a range is covered if no byte of it is missing",
        arguments: [
            (0x1000, 0x3000, true), (0x1000, 0x3001, false), (0xfff, 2, false), (0x2fff, 2, true), (0x5000, 1, false),
            (0x1000, 0, true), (.max, 2, false), (0x1000, .max, false),
        ] as [(UInt64, Int, Bool)])
    func covers(_ address: UInt64, _ count: Int, _ expected: Bool) throws {
        let map = try map([region(0x1000, 0x2000), region(0x3000, 0x1000)])
        #expect(map.covers(GuestAddress(address), byteCount: count) == expected)
    }
}
