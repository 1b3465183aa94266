import Glibc
import GuestMemory
import Host
import SeededRandom
import Testing
import TestSupport
import Virtio
@testable import VirtioPMem

/// Requests that no driver sends: each ends in a status that the specification allows, and the device goes on.
@Suite struct MalformedRequestTests {
    static let outside = GuestAddress(0xdead_0000_0000)

    /// Where the two fields of the request are.
    struct Fields: Sendable {
        let type: GuestAddress
        let status: GuestAddress
    }

    struct Framing: CustomTestStringConvertible {
        let testDescription: String
        var type: UInt32 = 0
        let writtenByteCount: UInt32
        /// What the driver finds in `ret`.
        let status: UInt32
        var event: PMemEvent?
        let pieces: @Sendable (Fields) -> [BufferPiece]
    }

    static let failure: UInt32 = 0xffff_ffff
    static let untouched = Harness.untouched

    static func at(_ address: GuestAddress, _ offset: UInt64) -> GuestAddress {
        GuestAddress(address.rawValue + offset)
    }

    static let framings: [Framing] = [
        Framing(testDescription: "as Linux sends it", writtenByteCount: 4, status: 0) {
            [.readable($0.type, 4), .writable($0.status, 4)]
        },
        Framing(testDescription: "type in pieces", writtenByteCount: 4, status: 0) {
            [.readable($0.type, 1), .readable(at($0.type, 1), 3), .writable($0.status, 4)]
        },
        Framing(testDescription: "ret in pieces", writtenByteCount: 4, status: 0) {
            [.readable($0.type, 4), .writable($0.status, 2), .writable(at($0.status, 2), 2)]
        },
        Framing(testDescription: "empty pieces in between", writtenByteCount: 4, status: 0) {
            [.readable(outside, 0), .readable($0.type, 4), .writable(outside, 0), .writable($0.status, 4)]
        },
        Framing(testDescription: "long", writtenByteCount: 4, status: 0) {
            [.readable($0.type, 8), .writable($0.status, 8)]
        },
        Framing(testDescription: "long, the rest outside memory", writtenByteCount: 4, status: 0) {
            [.readable($0.type, 4), .readable(outside, 4), .writable($0.status, 4), .writable(outside, 4)]
        },
        Framing(
            testDescription: "short", writtenByteCount: 4, status: failure,
            event: .queue(.malformedRequest(.short(byteCount: 3)))
        ) { [.readable($0.type, 3), .writable($0.status, 4)] },
        Framing(
            testDescription: "nothing to read", writtenByteCount: 4, status: failure,
            event: .queue(.malformedRequest(.short(byteCount: 0)))
        ) { [.writable($0.status, 4)] },
        Framing(
            testDescription: "write-only first", writtenByteCount: 4, status: failure,
            event: .queue(.malformedRequest(.readableAfterWritable))
        ) { [.writable($0.status, 4), .readable($0.type, 4)] },
        Framing(
            testDescription: "both write-only", writtenByteCount: 4, status: failure,
            event: .queue(.malformedRequest(.short(byteCount: 0)))
        ) { [.writable($0.status, 4), .writable($0.type, 4)] },
        Framing(testDescription: "read-only second", writtenByteCount: 0, status: untouched) {
            [.readable($0.type, 4), .readable($0.status, 4)]
        },
        Framing(testDescription: "missing second", writtenByteCount: 0, status: untouched) { [.readable($0.type, 4)] },
        Framing(testDescription: "room for half an answer", writtenByteCount: 0, status: untouched) {
            [.readable($0.type, 4), .writable($0.status, 2)]
        },
        Framing(
            testDescription: "unknown type", type: 1, writtenByteCount: 4, status: failure,
            event: .queue(.malformedRequest(.unknownType(1)))
        ) { [.readable($0.type, 4), .writable($0.status, 4)] },
        Framing(
            testDescription: "type of all ones", type: .max, writtenByteCount: 4, status: failure,
            event: .queue(.malformedRequest(.unknownType(.max)))
        ) { [.readable($0.type, 4), .writable($0.status, 4)] },
        Framing(
            testDescription: "type outside memory", writtenByteCount: 4, status: failure,
            event: .queue(.malformedRequest(.unreadable(.unmapped(outside))))
        ) { [.readable(outside, 4), .writable($0.status, 4)] },
        Framing(
            testDescription: "type past the end of the address space", writtenByteCount: 4, status: failure,
            event: .queue(.malformedRequest(.unreadable(.wraps(GuestAddress(.max - 1)))))
        ) { [.readable(GuestAddress(.max - 1), 4), .writable($0.status, 4)] },
        Framing(
            testDescription: "ret outside memory", writtenByteCount: 0, status: untouched,
            event: .queue(.malformedRequest(.unwritable(.unmapped(outside))))
        ) { [.readable($0.type, 4), .writable(outside, 4)] },
    ]

    @Test(arguments: framings, RingLayout.allCases) func framing(_ framing: Framing, _ layout: RingLayout) throws {
        for isIndirect in [false, true] {
            let harness = try Harness(layout: layout, size: 8)
            let fields = Fields(type: try harness.ram.allocate(16), status: try harness.ram.allocate(16))
            try harness.map.store(framing.type, at: fields.type)
            try harness.map.store(Self.untouched, at: fields.status)
            let id = try harness.queue.add(framing.pieces(fields), indirect: isIndirect)
            if try harness.queue.publish() { harness.ring() }
            let used = try harness.receiveUsed()
            #expect(used == UsedBuffer(id: id, writtenByteCount: framing.writtenByteCount))
            #expect(try harness.map.load(at: fields.status) == framing.status)
            #expect(harness.events == (framing.event.map { [$0] } ?? []))
            #expect(try harness.flush() == .success)
            #expect(harness.transport.core.status.rawValue == 15)
        }
    }

    struct Chain: CustomTestStringConvertible {
        let testDescription: String
        let error: ChainError
        /// Builds the chain that begins at descriptor 7.
        let build: @Sendable (SplitDriverQueue, GuestRAM) throws -> Void
    }

    static let chains: [Chain] = [
        Chain(testDescription: "descriptor loop", error: .tooManyDescriptors) { queue, ram in
            try queue.writeDescriptor(7, address: ram.range.start, byteCount: 4, flags: SplitDriverQueue.next, next: 7)
        },
        Chain(testDescription: "index beyond the queue", error: .nextBeyondTable(8)) { queue, ram in
            try queue.writeDescriptor(7, address: ram.range.start, byteCount: 4, flags: SplitDriverQueue.next, next: 8)
        },
        Chain(testDescription: "indirect table of odd length", error: .indirectTableSize(33)) { queue, ram in
            try queue.writeDescriptor(7, address: ram.range.start, byteCount: 33, flags: SplitDriverQueue.indirect)
        },
        Chain(testDescription: "indirect table outside memory", error: .indirectTable(.unmapped(outside))) { queue, _ in
            try queue.writeDescriptor(7, address: outside, byteCount: 32, flags: SplitDriverQueue.indirect)
        },
        Chain(testDescription: "nested indirect", error: .nestedIndirect) { queue, ram in
            let table = try ram.allocate(16)
            try queue.writeDescriptor(0, in: table, address: table, byteCount: 16, flags: SplitDriverQueue.indirect)
            try queue.writeDescriptor(7, address: table, byteCount: 16, flags: SplitDriverQueue.indirect)
        },
    ]

    /// Section 2.7.8.2 lets `len` be an underestimate: 0, for a chain that has no believable place for an answer.
    @Test(arguments: chains) func chain(_ chain: Chain) throws {
        let harness = try Harness(size: 8)
        var queue = try #require(harness.queue as? SplitDriverQueue)
        try chain.build(queue, harness.ram)
        try queue.makeAvailable(7)
        _ = try queue.publish()
        harness.queue = queue
        harness.ring()
        #expect(try harness.receiveUsed() == UsedBuffer(id: 7, writtenByteCount: 0))
        #expect(harness.events == [.queue(.malformedChain(chain.error))])
        #expect(harness.durability.figures.statistics.malformedCount == 1)
        #expect(harness.backend.startedCount == 0)
        #expect(try harness.flush() == .success)
    }

    struct BrokenRing: CustomTestStringConvertible {
        let testDescription: String
        let error: QueueError
        let damage: @Sendable (inout SplitDriverQueue) throws -> Void
    }

    /// Section 2.1.2: what only a reset repairs asks for one.
    @Test(arguments: [
        BrokenRing(testDescription: "head beyond the queue", error: .headBeyondTable(8)) { queue in
            try queue.makeAvailable(8)
            _ = try queue.publish()
        },
        BrokenRing(
            testDescription: "available index that jumps", error: .availableIndexJump(from: 0, to: 9)
        ) { queue in try queue.publishIndex(9) },
        BrokenRing(
            testDescription: "available index that goes back", error: .availableIndexJump(from: 0, to: 0xffff)
        ) { queue in try queue.publishIndex(0xffff) },
    ]) func ring(_ ring: BrokenRing) throws {
        let harness = try Harness(size: 8)
        var queue = try #require(harness.queue as? SplitDriverQueue)
        try ring.damage(&queue)
        harness.queue = queue
        harness.ring()
        try wait(for: "DEVICE_NEEDS_RESET") { harness.transport.core.status.contains(.needsReset) }
        #expect(harness.events == [.queue(.broken(ring.error))])
        try wait(for: "the configuration interrupt") { harness.transport.interruptCount(vector: 0) == 1 }
        harness.ring()
        #expect(harness.backend.startedCount == 0)
        try harness.restart()
        #expect(try harness.flush() == .success)
    }

    /// The guest's own file shrinks under a buffer: the kernel would end a plain store with SIGBUS.
    @Test func pagesThatAreNotThere() throws {
        let harness = try Harness(size: 8)
        // O_TMPFILE of Linux, which the importer drops with its macro: a file without a name.
        let file = try OwnedDescriptor(opening: "/dev/shm", flags: 0o20200000 | O_RDWR)
        #expect(ftruncate(file.rawValue, 8192) == 0)
        let mapping = try HostMapping(
            .file(file.rawValue, offset: 0, shared: true, reserve: true), byteCount: 8192)
        let start = GuestAddress(0x8000_0000)
        let range = try #require(GuestRange(start: start, byteCount: 8192))
        let region = try #require(MemoryRegion(range: range, mapping: mapping, purpose: .persistentMemory("m")))
        try harness.ram.memory.update { (map) throws(GuestMemoryError) in try map.insert(region) }
        #expect(ftruncate(file.rawValue, 0) == 0)

        let field = try harness.ram.allocate(16)
        for pieces: [BufferPiece] in [
            [.readable(start, 4), .writable(field, 4)], [.readable(field, 4), .writable(start, 4)],
        ] {
            try harness.map.store(UInt64(0), at: field)
            _ = try harness.queue.add(pieces)
            if try harness.queue.publish() { harness.ring() }
            _ = try harness.receiveUsed()
        }
        #expect(harness.events == [.queue(.malformedRequest(.unreadable(.fault(start))))])
        #expect(try harness.flush() == .success)
    }

    /// The same at random: any descriptors, any ring, and a device that still answers after a reset.
    @Test(arguments: Seeds.usually(0...3)) func anything(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let harness = try Harness(size: 16)
        for _ in 0..<300 {
            var queue = try #require(harness.queue as? SplitDriverQueue)
            for index: UInt16 in 0..<16 {
                try queue.writeDescriptor(
                    index,
                    address: GuestAddress(
                        harness.ram.range.start.rawValue + .random(in: 0..<(5 << 20), using: &random)),
                    byteCount: .random(in: 0..<40, using: &random), flags: .random(in: 0..<8, using: &random),
                    next: .random(in: 0..<18, using: &random))
            }
            for _ in 0..<8 { try queue.makeAvailable(.random(in: 0..<17, using: &random)) }
            _ = try queue.publish()
            harness.queue = queue
            harness.ring()
            if Int.random(in: 0..<8, using: &random) == 0 { try harness.restart() }
        }
        try harness.restart()
        #expect(try harness.flush() == .success)
    }
}
