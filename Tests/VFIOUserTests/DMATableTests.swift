import GuestMemory
import Host
import Testing
import TestSupport
@testable import VFIOUser

@Suite struct DMATableTests {
    private static func range(_ start: UInt64, _ count: UInt64) throws -> GuestRange {
        try #require(GuestRange(start: GuestAddress(start), byteCount: count))
    }

    struct Overlap: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let start: UInt64
        let byteCount: UInt64
    }

    static let overlaps = [
        Overlap(testDescription: "the same", start: 0x3000, byteCount: 0x2000),
        Overlap(testDescription: "its first page", start: 0x3000, byteCount: 0x1000),
        Overlap(testDescription: "its last page", start: 0x4000, byteCount: 0x1000),
        Overlap(testDescription: "around it", start: 0x2000, byteCount: 0x4000),
        Overlap(testDescription: "into its start", start: 0x2000, byteCount: 0x1001),
        Overlap(testDescription: "over its end", start: 0x4fff, byteCount: 0x2000),
        Overlap(testDescription: "everything", start: 0, byteCount: .max),
    ]

    @Test(arguments: overlaps) func overlapsAreRefused(_ row: Overlap) throws {
        var table = DMATable()
        try table.insert(Self.range(0x3000, 0x2000))
        try table.insert(Self.range(0x8000, 0x1000))
        let before = table.ranges
        #expect(throws: Refusal.exists) { try table.insert(Self.range(row.start, row.byteCount)) }
        #expect(table.ranges == before)
    }

    @Test func neighboursAreNone() throws {
        var table = DMATable()
        for start in [0x5000, 0x1000, 0x3000, 0x4000, 0x2000] as [UInt64] {
            try table.insert(Self.range(start, 0x1000))
        }
        try table.insert(Self.range(0xffff_ffff_ffff_f000, 0x1000))
        #expect(table.ranges.map(\.start.rawValue) == [0x1000, 0x2000, 0x3000, 0x4000, 0x5000, 0xffff_ffff_ffff_f000])
    }

    @Test func onlyExactRangesAreRemoved() throws {
        var table = DMATable()
        try table.insert(Self.range(0x3000, 0x2000))
        for (start, count) in [(0x3000, 0x1000), (0x4000, 0x1000), (0x2000, 0x3000), (0x3000, 0x3000)]
            as [(UInt64, UInt64)]
        {
            #expect(throws: Refusal.notFound) { try table.remove(Self.range(start, count)) }
        }
        try table.remove(Self.range(0x3000, 0x2000))
        #expect(table.ranges.isEmpty)
    }

    @Test func noMoreThanAnnounced() throws {
        var table = DMATable()
        for index in 0..<1024 as Range<UInt64> { try table.insert(Self.range(index << 13, 0x1000)) }
        #expect(throws: Refusal.tooMany) { try table.insert(Self.range(1 << 40, 0x1000)) }
    }
}

@Suite struct ClientMemoryTests {
    private let memory = GuestAddressSpace()

    private func mapping(
        flags: UInt32 = 3, offset: UInt64 = 0, address: UInt64 = 0x10_0000, byteCount: UInt64 = 0x4000
    ) -> MemoryMapping {
        MemoryMapping(flags: flags, offset: offset, address: address, byteCount: byteCount)
    }

    @Test func storesReachTheFile() throws {
        let file = try MemoryFile(byteCount: 0x8000)
        let client = ClientMemory(memory)
        try client.map(mapping(offset: 0x4000), file: file.descriptor)
        try memory.map.store(UInt32(0x1234_5678), at: GuestAddress(0x10_0010))
        let bytes = try file.descriptor.with { $0.bytes(at: 0x4010, count: 4) }.get()
        #expect(bytes == [0x78, 0x56, 0x34, 0x12])
        try client.unmap(MemoryUnmapping(capacity: 24, flags: 0, address: 0x10_0000, byteCount: 0x4000))
        #expect(memory.map.regions.isEmpty)
    }

    @Test func withoutAFileNothingCanBeAccessed() throws {
        let client = ClientMemory(memory)
        try client.map(mapping(), file: nil)
        #expect(memory.map.regions.isEmpty)
        #expect(throws: Refusal.exists) { try client.map(mapping(), file: nil) }
    }

    @Test func readOnlyMemoryIsNotWritten() throws {
        let client = ClientMemory(memory)
        try client.map(mapping(flags: 1), file: MemoryFile(byteCount: 0x4000).descriptor)
        #expect(throws: GuestMemoryError.readOnly(GuestAddress(0x10_0000))) {
            try memory.map.store(UInt32(1), at: GuestAddress(0x10_0000))
        }
    }

    /// A file that becomes shorter is no crash.
    @Test func pagesThatGoAway() throws {
        let file = try MemoryFile(byteCount: 0x4000, isSealed: false)
        let client = ClientMemory(memory)
        try client.map(mapping(), file: file.descriptor)
        try memory.map.store(UInt32(1), at: GuestAddress(0x10_3000))
        try file.descriptor.with { descriptor in Result { try descriptor.resize(to: 0x1000) } }.get()
        #expect(throws: GuestMemoryError.fault(GuestAddress(0x10_3000))) {
            let _: UInt32 = try memory.map.load(at: GuestAddress(0x10_3000))
        }
        #expect(throws: GuestMemoryError.self) { try memory.map.loadRingWord(at: GuestAddress(0x10_3000)) }
    }

    struct Wrong: Sendable, CustomTestStringConvertible {
        let testDescription: String
        var flags: UInt32 = 3
        var offset: UInt64 = 0
        var address: UInt64 = 0x10_0000
        var byteCount: UInt64 = 0x4000
    }

    static let wrong = [
        Wrong(testDescription: "no flags", flags: 0), Wrong(testDescription: "only writable", flags: 2),
        Wrong(testDescription: "unknown flag", flags: 7), Wrong(testDescription: "every flag", flags: .max),
        Wrong(testDescription: "empty", byteCount: 0), Wrong(testDescription: "no page", byteCount: 0x4001),
        Wrong(testDescription: "odd address", address: 0x10_0001), Wrong(testDescription: "odd offset", offset: 1),
        Wrong(testDescription: "wraps", address: 0xffff_ffff_ffff_f000, byteCount: 0x2000),
        Wrong(testDescription: "as large as can be", address: 0, byteCount: 0xffff_ffff_ffff_f000),
        Wrong(testDescription: "behind the file", offset: 0x1000),
        Wrong(testDescription: "offset wraps", offset: 0xffff_ffff_ffff_f000),
        Wrong(testDescription: "larger than the file", byteCount: 0x5000),
    ]

    @Test(arguments: wrong) func isRefused(_ row: Wrong) throws {
        let client = ClientMemory(memory)
        let file = try MemoryFile(byteCount: 0x4000).descriptor
        let request = mapping(flags: row.flags, offset: row.offset, address: row.address, byteCount: row.byteCount)
        #expect(throws: Refusal.self) { try client.map(request, file: file) }
        // Nothing is left of it.
        try client.map(mapping(), file: file)
        #expect(memory.map.regions.count == 1)
    }

    @Test(arguments: ["/dev/null", "/", "/dev/zero"]) func whatIsNoMemory(_ path: String) throws {
        let file = SharedDescriptor(try OwnedDescriptor(opening: path, access: .read))
        #expect(throws: Refusal.wrongDescriptor) { try ClientMemory(memory).map(mapping(), file: file) }
    }

    @Test func otherThingsThatAreNoMemory() throws {
        let pair = try UnixSocket.makePair()
        let socket = SharedDescriptor(try pair.first.duplicate())
        #expect(throws: Refusal.wrongDescriptor) { try ClientMemory(memory).map(mapping(), file: socket) }
    }

    /// The device's storage gives way to what the client says, and does not come back by itself.
    @Test func storageGivesWay() throws {
        let client = ClientMemory(memory)
        let range = try #require(GuestRange(start: GuestAddress(0x10_0000), byteCount: 0x1000))
        let storage = try #require(
            MemoryRegion(
                range: range, mapping: HostMapping(.anonymous(reserve: false), byteCount: 0x1000),
                purpose: .persistentMemory("nv1")))
        client.showStorage(storage)
        #expect(memory.map.regions.first?.purpose == .persistentMemory("nv1"))
        try client.map(mapping(), file: MemoryFile(byteCount: 0x4000).descriptor)
        #expect(memory.map.regions.map(\.purpose) == [.ram])
        client.showStorage(storage)
        #expect(memory.map.regions.map(\.purpose) == [.ram])
        client.unmapAll()
        client.showStorage(storage)
        client.showStorage(nil)
        #expect(memory.map.regions.isEmpty)
    }

    /// QEMU declares the BAR itself, without a file, and takes that back: the storage stays where it is, and the call
    /// does not wait for it.
    @Test(.timeLimit(.minutes(1))) func theBARItselfIsDeclaredAndTakenBack() throws {
        let client = ClientMemory(memory)
        let range = try #require(GuestRange(start: GuestAddress(0x10_0000), byteCount: 0x4000))
        let storage = try #require(
            MemoryRegion(
                range: range, mapping: HostMapping(.anonymous(reserve: false), byteCount: 0x4000),
                purpose: .persistentMemory("nv1")))
        client.showStorage(storage)
        try client.map(mapping(), file: nil)
        try client.unmap(MemoryUnmapping(capacity: 24, flags: 0, address: 0x10_0000, byteCount: 0x4000))
        #expect(memory.map.regions.map(\.purpose) == [.persistentMemory("nv1")])
        try client.map(mapping(), file: nil)
        client.unmapAll()
        #expect(memory.map.regions.map(\.purpose) == [.persistentMemory("nv1")])
    }
}
