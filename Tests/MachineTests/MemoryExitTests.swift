import GuestMemory
import Host
import Synchronization
import Testing

@testable import Machine

/// What becomes of an access to guest memory that KVM could not carry out.
@Suite struct MemoryExitTests {
    private let path = "/var/tmp/needletail-memory-exits-\(UInt64.random(in: 0 ... .max))"

    /// One region of 64 KiB at 1 MiB, over a file of `fileByteCount` bytes.
    private func exits(fileByteCount: UInt64 = 64 << 10, readOnly: Bool = false) throws -> MemoryExits {
        let file = try OwnedDescriptor(opening: path, access: .createNew)
        defer { try? unlinkFile(path) }
        try file.resize(to: 64 << 10)
        let mapping = try HostMapping(
            .file(file.rawValue, offset: 0, shared: true, reserve: true), byteCount: 64 << 10, readOnly: readOnly)
        try file.resize(to: fileByteCount)
        let range = try #require(GuestRange(start: GuestAddress(1 << 20), byteCount: 64 << 10))
        let region = try #require(MemoryRegion(range: range, mapping: mapping, purpose: .persistentMemory("nv1")))
        var map = MemoryMap()
        try map.insert(region)
        return MemoryExits(GuestAddressSpace(map), try ControlEvents())
    }

    struct Access: CustomTestStringConvertible, Sendable {
        let address: UInt64
        let byteCount: Int
        let isMissing: Bool
        var testDescription: String { "\(byteCount) bytes at \(address)" }
    }

    /// The file ends in the region's middle.
    @Test(arguments: [
        Access(address: 1 << 20, byteCount: 8, isMissing: false),
        Access(address: 0x10_7fff, byteCount: 1, isMissing: false),
        Access(address: 0x10_8000, byteCount: 1, isMissing: true),
        Access(address: 0x10_7ffe, byteCount: 4, isMissing: true),
        // Beyond the region there is nothing, which is nothing to wait for.
        Access(address: 0x20_0000, byteCount: 4, isMissing: false),
    ]) func aMissingPageIsNoAnswer(_ access: Access) throws {
        let exits = try exits(fileByteCount: 32 << 10)
        let address = GuestAddress(access.address)
        #expect(exits.store(0x0807_0605_0403_0201, at: address, byteCount: access.byteCount) == !access.isMissing)
        #expect((exits.load(at: address, byteCount: access.byteCount) == nil) == access.isMissing)
    }

    @Test func whatKVMLeftOutIsDoneHere() throws {
        let exits = try exits()
        #expect(exits.store(0x1122_3344, at: GuestAddress(0x10_0010), byteCount: 4))
        #expect(exits.load(at: GuestAddress(0x10_0010), byteCount: 8) == 0x1122_3344)
        #expect(exits.load(at: GuestAddress(0x10_0012), byteCount: 1) == 0x22)
        #expect(!exits.hasReadOnlyMemory)
    }

    @Test func storesIntoReadOnlyMemoryAreDroppedAndTold() throws {
        let exits = try exits(readOnly: true)
        let told = Mutex<[GuestAddress]>([])
        let range = try #require(GuestRange(start: GuestAddress(1 << 20), byteCount: 64 << 10))
        exits.observeStores(into: range) { address in told.withLock { $0.append(address) } }
        #expect(exits.store(.max, at: GuestAddress(0x10_0010), byteCount: 8))
        #expect(exits.load(at: GuestAddress(0x10_0010), byteCount: 8) == 0)
        #expect(told.withLock { $0 } == [GuestAddress(0x10_0010)])
        #expect(exits.hasReadOnlyMemory)
        exits.observeStores(into: range, nil)
        #expect(exits.store(1, at: GuestAddress(0x10_0010), byteCount: 1))
        #expect(told.withLock { $0.count } == 1)
    }

    @Test(
        arguments: [(0, false), (1, true), (2, false), (10, true), (11, false), (110, false), (1000, true)]
            as [(UInt64, Bool)])
    func fewOfManyAreWorthALine(count: UInt64, isWorthALine: Bool) {
        #expect(count.isPowerOfTen == isWorthALine)
    }
}
