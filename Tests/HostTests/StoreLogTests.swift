import Host
import Testing

@Suite struct PageSetTests {
    @Test(arguments: [0, 1, 63, 64, 65, 1000]) func everyPage(count: Int) {
        let set = PageSet.all(pageCount: count)
        #expect(set.count == count && !set.contains(count) && !set.contains(-1))
        #expect(set.ranges(limit: 1 << 20) == (count == 0 ? [] : [0..<count]))
    }

    @Test func rangesAreNeighboursUpToALimit() {
        var set = PageSet(pageCount: 200)
        for pages in [3..<4, 62..<67, 190..<500] { set.insert(pages) }
        #expect(set.ranges(limit: 4) == [3..<4, 62..<66, 66..<67, 190..<194, 194..<198, 198..<200])
        #expect(set.count == 16 && set.contains(64) && !set.contains(67))
        var other = PageSet(pageCount: 200)
        other.insert(3..<6)
        set.formUnion(other)
        #expect(set.ranges(limit: 99).first == 3..<6)
    }

    @Test func bitsBeyondTheLastPageAreLeftOut() {
        #expect(PageSet(words: [.max, .max, .max], pageCount: 70).count == 70)
        #expect(PageSet(words: [1], pageCount: 70).ranges(limit: 9) == [0..<1])
    }
}

@Suite struct StoreLogTests {
    private func mapping(logsStores: Bool = true) throws -> HostMapping {
        try HostMapping(.anonymous(reserve: false), byteCount: 16 << 12, logsStores: logsStores)
    }

    private func store(_ count: Int, at offset: Int, in mapping: HostMapping) throws {
        let bytes = [UInt8](repeating: 7, count: count)
        try unsafe bytes.withUnsafeBytes { try unsafe mapping.copy($0, to: offset) }
    }

    @Test func eachStoreIsToldOnce() throws {
        let mapping = try mapping()
        try store(1, at: 4096, in: mapping)
        try store(2, at: 3 * 4096 - 1, in: mapping)
        try mapping.storeRelease(9, at: 8 * 4096)
        #expect(mapping.takeStoredPages()?.ranges(limit: 99) == [1..<4, 8..<9])
        #expect(mapping.takeStoredPages()?.count == 0)
        let file = try OwnedDescriptor(opening: "/proc/self/exe", access: .read)
        #expect(try mapping.readFile(file, at: 0, byteCount: 4096, to: 15 << 12) == 4096)
        #expect(mapping.takeStoredPages()?.ranges(limit: 99) == [15..<16])
        try store(0, at: 0, in: mapping)
        _ = try mapping.bytes(at: 0, count: 4096)
        #expect(mapping.takeStoredPages()?.count == 0)
    }

    @Test func withoutALogNothingIsTold() throws {
        let mapping = try mapping(logsStores: false)
        try store(1, at: 0, in: mapping)
        #expect(mapping.takeStoredPages() == nil)
    }

    @Test(arguments: [(-1, 1), (0, -1), (16 << 12, 1), (1, 16 << 12), (Int.max, 1)])
    func bytesOutsideAreRefused(_ offset: Int, _ count: Int) throws {
        let mapping = try mapping()
        #expect(throws: HostMapping.Fault.self) { _ = try mapping.bytes(at: offset, count: count) }
    }
}
