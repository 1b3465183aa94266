import Host
import Synchronization
import Testing

@testable import GuestMemory

@Suite(.timeLimit(.minutes(1))) struct GuestMemoryTests {
    @Test("a change that fails leaves the map as it was")
    func failedUpdate() throws {
        let memory = GuestAddressSpace(try map([region(0x1000, 0x1000)]))
        #expect(throws: GuestMemoryError.self) {
            let (fits, overlaps) = (try region(0x5000, 0x1000), try region(0x1800, 0x1000))
            try memory.update { (map) throws(GuestMemoryError) in
                try map.insert(fits)
                try map.insert(overlaps)
            }
        }
        #expect(memory.map.regions.count == 1)
    }

    @Test("a map that is held keeps the regions that were removed meanwhile")
    func snapshot() throws {
        let memory = GuestAddressSpace(try map([region(0x1000, 0x1000)]))
        weak let mapping = memory.map.regions.first?.mapping
        let range = try #require(memory.map.regions.first?.range)
        try memory.map.store(0xAB as UInt8, at: GuestAddress(0x1010))
        do {
            let snapshot = memory.map
            try memory.update { (map) throws(GuestMemoryError) in _ = map.remove(range) }
            #expect(memory.map.region(at: GuestAddress(0x1010)) == nil)
            #expect(try snapshot.load(UInt8.self, at: GuestAddress(0x1010)) == 0xAB)
            #expect(mapping != nil)
        }
        #expect(mapping == nil)
    }

    @Test("devices work on while the map changes under them")
    func concurrentUpdates() throws {
        let memory = GuestAddressSpace(try map([region(0x1000, 0x1000)]))
        let extra = try region(0x2000, 0x1000)
        let failures = Atomic(0)
        let stop = Atomic(false)
        let readers = try (0..<3).map { _ in
            try HostThread(name: "device") {
                while !stop.load(ordering: .acquiring) {
                    let map = memory.map
                    let hasExtra = map.regions.count == 2
                    if map.covers(GuestAddress(0x1ff0), byteCount: 32) != hasExtra {
                        failures.add(1, ordering: .relaxed)
                    }
                    if (try? map.bytes(at: GuestAddress(0x1ff0), count: hasExtra ? 32 : 16)) == nil {
                        failures.add(1, ordering: .relaxed)
                    }
                }
            }
        }
        for _ in 0..<2000 {
            try memory.update { (map) throws(GuestMemoryError) in try map.insert(extra) }
            try memory.update { (map) throws(GuestMemoryError) in _ = map.remove(extra.range) }
        }
        stop.store(true, ordering: .releasing)
        readers.forEach { $0.join() }
        let finalFailures = failures.load(ordering: .relaxed)
        #expect(finalFailures == 0)
    }
}
