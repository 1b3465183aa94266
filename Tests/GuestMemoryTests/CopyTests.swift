import Host
import Testing

@testable import GuestMemory

@Suite struct CopyTests {
    /// Two regions that adjoin at 0x3000, a gap, and one that can only be read at 0x8000.
    private func sample() throws -> MemoryMap {
        try map([region(0x1000, 0x2000), region(0x3000, 0x1000), region(0x8000, 0x1000, readOnly: true)])
    }

    @Test("a copy crosses from one region into the next")
    func crossing() throws {
        let map = try sample()
        let bytes = (0..<200).map { UInt8($0) }
        try map.write(bytes, at: GuestAddress(0x2f9c))
        #expect(try map.bytes(at: GuestAddress(0x2f9c), count: 200) == bytes)
        #expect(try map.bytes(at: GuestAddress(0x3000), count: 1) == [100])
    }

    @Test(
        "integers are little-endian, aligned or not, across regions or not",
        arguments: [0x1000, 0x1001, 0x2ffd] as [UInt64])
    func integers(_ address: UInt64) throws {
        let map = try sample()
        try map.store(0x0102_0304_0506_0708 as UInt64, at: GuestAddress(address))
        #expect(try map.bytes(at: GuestAddress(address), count: 8) == [8, 7, 6, 5, 4, 3, 2, 1])
        #expect(try map.load(UInt64.self, at: GuestAddress(address)) == 0x0102_0304_0506_0708)
        #expect(try map.load(UInt16.self, at: GuestAddress(address + 2)) == 0x0506)
    }

    struct Failure: CustomTestStringConvertible, Sendable {
        let address: UInt64
        let count: Int
        let error: GuestMemoryError
        var testDescription: String { "\(count) bytes at \(GuestAddress(address))" }
    }

    static let failures = [
        Failure(address: 0xfff, count: 1, error: .unmapped(GuestAddress(0xfff))),
        Failure(address: 0x3ff0, count: 0x11, error: .unmapped(GuestAddress(0x4000))),
        Failure(address: 0x1000, count: 1 << 40, error: .unmapped(GuestAddress(0x4000))),
        Failure(address: .max, count: 1, error: .unmapped(GuestAddress(.max))),
        Failure(address: .max, count: 2, error: .wraps(GuestAddress(.max))),
        Failure(address: 0xffff_ffff_ffff_f000, count: .max, error: .wraps(GuestAddress(0xffff_ffff_ffff_f000))),
    ]

    @Test("reads outside memory say where, and allocate nothing for it", arguments: failures)
    func reads(_ row: Failure) throws {
        let map = try sample()
        #expect(throws: row.error) { _ = try map.bytes(at: GuestAddress(row.address), count: row.count) }
    }

    @Test("writes outside memory say where", arguments: failures.filter { $0.count < 1 << 20 })
    func writes(_ row: Failure) throws {
        let map = try sample()
        #expect(throws: row.error) {
            try map.write([UInt8](repeating: 1, count: row.count), at: GuestAddress(row.address))
        }
    }

    @Test("nothing is copied for no bytes, wherever")
    func empty() throws {
        let map = try sample()
        #expect(try map.bytes(at: GuestAddress(.max), count: 0).isEmpty)
        #expect(try map.bytes(at: GuestAddress(0), count: -1).isEmpty)
        try map.write([], at: GuestAddress(0x8000))
    }

    @Test("memory that can only be read")
    func readOnly() throws {
        let map = try sample()
        #expect(throws: GuestMemoryError.readOnly(GuestAddress(0x8004))) {
            try map.store(1 as UInt8, at: GuestAddress(0x8004))
        }
        #expect(throws: GuestMemoryError.readOnly(GuestAddress(0x8004))) {
            try map.storeRingWord(1, at: GuestAddress(0x8004))
        }
        #expect(try map.load(UInt32.self, at: GuestAddress(0x8004)) == 0)
    }

    @Test("a page that its file lost is a fault at its guest address")
    func fault() throws {
        let file = try OwnedDescriptor(memoryFileNamed: "test", allowsSealing: false)
        try file.resize(to: 8192)
        let mapping = try HostMapping(.file(file.rawValue, offset: 0, shared: true, reserve: true), byteCount: 8192)
        let range = try #require(GuestRange(start: GuestAddress(0x3000), byteCount: 8192))
        let storage = try #require(MemoryRegion(range: range, mapping: mapping, purpose: .persistentMemory("m")))
        let map = try map([region(0x2000, 0x1000), storage])
        try file.resize(to: 4096)
        let missing = GuestMemoryError.fault(GuestAddress(0x4000))
        #expect(throws: missing) { _ = try map.bytes(at: GuestAddress(0x2f00), count: 0x1200) }
        #expect(throws: missing) { try map.store(1 as UInt32, at: GuestAddress(0x4000)) }
        #expect(throws: missing) { _ = try map.loadRingWord(at: GuestAddress(0x4000)) }
        #expect(throws: missing) { try map.storeRingWord(1, at: GuestAddress(0x4000)) }
    }

    @Test(
        "ring words",
        arguments: [
            (0x1000, nil), (0x2ffe, nil), (0x1001, .misaligned(GuestAddress(0x1001))),
            (0x4000, .unmapped(GuestAddress(0x4000))),
            (0, .unmapped(GuestAddress(0))), (.max, .misaligned(GuestAddress(.max))),
            (.max - 1, .unmapped(GuestAddress(.max - 1))),
        ] as [(UInt64, GuestMemoryError?)])
    func ringWords(_ address: UInt64, _ error: GuestMemoryError?) throws {
        let (map, address) = (try sample(), GuestAddress(address))
        guard let error else {
            try map.storeRingWord(0x1234, at: address)
            #expect(try map.loadRingWord(at: address) == 0x1234)
            #expect(try map.bytes(at: address, count: 2) == [0x34, 0x12])
            return
        }
        #expect(throws: error) { _ = try map.loadRingWord(at: address) }
        #expect(throws: error) { try map.storeRingWord(1, at: address) }
    }

    @Test("a ring word at the last byte of a region of odd size is not memory")
    func ringWordAtOddEnd() throws {
        let map = try map([region(0x1000, 0x1001)])
        #expect(throws: GuestMemoryError.unmapped(GuestAddress(0x2000))) {
            _ = try map.loadRingWord(at: GuestAddress(0x2000))
        }
    }
}
