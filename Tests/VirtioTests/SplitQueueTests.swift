import GuestMemory
import Testing
import TestSupport
@testable import Virtio

/// Virtio 1.3, section 2.7: chains and rings that a driver must not build, and what becomes of them.
@Suite struct SplitQueueTests {
    static let outside = GuestAddress(0xdead_0000_0000)
    static let buffer = GuestAddress(0x10_0000)

    /// What `pop` makes of a chain or a ring.
    enum Outcome: Equatable {
        case chain([UInt32])
        case malformed(ChainError)
        case broken(QueueError)
    }

    struct Case: CustomTestStringConvertible {
        let testDescription: String
        var features = Feature.indirectDescriptors
        let outcome: Outcome
        /// Builds the chain that begins at descriptor 0, which is made available before.
        let build: @Sendable (inout SplitDriverQueue, GuestRAM) throws -> Void
    }

    /// Indices of a queue of 8.
    static let cases: [Case] = [
        Case(testDescription: "one descriptor", outcome: .chain([4])) { queue, _ in
            try queue.writeDescriptor(0, address: buffer, byteCount: 4, flags: 0)
        },
        Case(testDescription: "next beyond the table", outcome: .malformed(.nextBeyondTable(8))) { queue, _ in
            try queue.writeDescriptor(0, address: buffer, byteCount: 4, flags: SplitDriverQueue.next, next: 8)
        },
        Case(testDescription: "descriptor that follows itself", outcome: .malformed(.tooManyDescriptors)) { queue, _ in
            try queue.writeDescriptor(0, address: buffer, byteCount: 4, flags: SplitDriverQueue.next, next: 0)
        },
        Case(testDescription: "loop of two", outcome: .malformed(.tooManyDescriptors)) { queue, _ in
            try queue.writeDescriptor(0, address: buffer, byteCount: 4, flags: SplitDriverQueue.next, next: 1)
            try queue.writeDescriptor(1, address: buffer, byteCount: 4, flags: SplitDriverQueue.next, next: 0)
        },
        Case(testDescription: "as long as the queue", outcome: .chain(Array(repeating: 1, count: 8))) { queue, _ in
            for index: UInt16 in 0..<8 {
                try queue.writeDescriptor(
                    index, address: buffer, byteCount: 1, flags: index < 7 ? SplitDriverQueue.next : 0, next: index + 1)
            }
        },
        Case(testDescription: "2^32 bytes", outcome: .chain([.max, 1])) { queue, _ in
            try queue.writeDescriptor(0, address: buffer, byteCount: .max, flags: SplitDriverQueue.next, next: 1)
            try queue.writeDescriptor(1, address: buffer, byteCount: 1, flags: 0)
        },
        Case(testDescription: "more than 2^32 bytes", outcome: .malformed(.tooManyBytes)) { queue, _ in
            try queue.writeDescriptor(0, address: buffer, byteCount: .max, flags: SplitDriverQueue.next, next: 1)
            try queue.writeDescriptor(1, address: buffer, byteCount: 2, flags: 0)
        },
        Case(testDescription: "buffer outside memory", outcome: .chain([4])) { queue, _ in
            try queue.writeDescriptor(0, address: outside, byteCount: 4, flags: 0)
        },
        Case(
            testDescription: "indirect, not negotiated", features: 0, outcome: .malformed(.indirectNotNegotiated)
        ) { queue, _ in
            try queue.writeDescriptor(0, address: buffer, byteCount: 16, flags: SplitDriverQueue.indirect)
        },
        Case(testDescription: "indirect, writable flag", outcome: .chain([4])) { queue, ram in
            let table = try ram.allocate(16)
            try queue.writeDescriptor(0, in: table, address: buffer, byteCount: 4, flags: 0)
            try queue.writeDescriptor(
                0, address: table, byteCount: 16, flags: SplitDriverQueue.indirect | SplitDriverQueue.write)
        },
        Case(testDescription: "direct, then indirect", outcome: .chain([3, 4])) { queue, ram in
            let table = try ram.allocate(16)
            try queue.writeDescriptor(0, in: table, address: buffer, byteCount: 4, flags: 0)
            try queue.writeDescriptor(0, address: buffer, byteCount: 3, flags: SplitDriverQueue.next, next: 1)
            try queue.writeDescriptor(1, address: table, byteCount: 16, flags: SplitDriverQueue.indirect)
        },
        Case(testDescription: "indirect table of 0 bytes", outcome: .malformed(.indirectTableSize(0))) { queue, _ in
            try queue.writeDescriptor(0, address: buffer, byteCount: 0, flags: SplitDriverQueue.indirect)
        },
        Case(testDescription: "indirect table of 24 bytes", outcome: .malformed(.indirectTableSize(24))) { queue, _ in
            try queue.writeDescriptor(0, address: buffer, byteCount: 24, flags: SplitDriverQueue.indirect)
        },
        Case(testDescription: "indirect and next", outcome: .malformed(.indirectWithNext)) { queue, _ in
            try queue.writeDescriptor(
                0, address: buffer, byteCount: 16, flags: SplitDriverQueue.indirect | SplitDriverQueue.next, next: 1)
        },
        Case(testDescription: "nested indirect", outcome: .malformed(.nestedIndirect)) { queue, ram in
            let table = try ram.allocate(16)
            try queue.writeDescriptor(0, in: table, address: table, byteCount: 16, flags: SplitDriverQueue.indirect)
            try queue.writeDescriptor(0, address: table, byteCount: 16, flags: SplitDriverQueue.indirect)
        },
        Case(testDescription: "next beyond an indirect table", outcome: .malformed(.nextBeyondTable(1))) { queue, ram in
            let table = try ram.allocate(16)
            try queue.writeDescriptor(
                0, in: table, address: buffer, byteCount: 4, flags: SplitDriverQueue.next, next: 1)
            try queue.writeDescriptor(0, address: table, byteCount: 16, flags: SplitDriverQueue.indirect)
        },
        Case(testDescription: "loop in an indirect table", outcome: .malformed(.tooManyDescriptors)) { queue, ram in
            let table = try ram.allocate(16)
            try queue.writeDescriptor(
                0, in: table, address: buffer, byteCount: 4, flags: SplitDriverQueue.next, next: 0)
            try queue.writeDescriptor(0, address: table, byteCount: 16, flags: SplitDriverQueue.indirect)
        },
        Case(
            testDescription: "indirect table outside memory",
            outcome: .malformed(.indirectTable(.unmapped(outside)))
        ) { queue, _ in
            try queue.writeDescriptor(0, address: outside, byteCount: 16, flags: SplitDriverQueue.indirect)
        },
        Case(
            testDescription: "indirect table at the end of the address space",
            outcome: .malformed(.indirectTable(.wraps(GuestAddress(.max))))
        ) { queue, _ in
            try queue.writeDescriptor(0, address: GuestAddress(.max), byteCount: 16, flags: SplitDriverQueue.indirect)
        },
        Case(testDescription: "head beyond the table", outcome: .broken(.headBeyondTable(8))) { queue, _ in
            try queue.publishIndex(0)
            try queue.makeAvailable(8)
        },
    ]

    @Test(arguments: cases) func chains(_ test: Case) throws {
        let ram = try GuestRAM()
        var driver = try SplitDriverQueue(ram, size: 8)
        try driver.makeAvailable(0)
        try test.build(&driver, ram)
        try driver.publishIndex(1)
        var queue = SplitQueue(driver.activation(), features: test.features)
        #expect(Self.outcome(of: &queue, in: ram.map) == test.outcome)
    }

    static func outcome(of queue: inout some Virtqueue, in memory: MemoryMap) -> Outcome? {
        do throws(QueueError) {
            let horizon = try queue.publishedHorizon(in: memory)
            switch try queue.pop(upTo: horizon, in: memory) {
            case .chain(let chain): return .chain(chain.descriptors.map(\.byteCount))
            case .malformed(_, let error): return .malformed(error)
            case nil: return nil
            }
        } catch {
            return .broken(error)
        }
    }

    @Test(arguments: [9, 100, 0x8000, 0xffff] as [UInt16]) func availableIndexThatJumps(to index: UInt16) throws {
        let ram = try GuestRAM()
        var driver = try SplitDriverQueue(ram, size: 8)
        try driver.publishIndex(index)
        var queue = SplitQueue(driver.activation(), features: 0)
        let broken = Outcome.broken(.availableIndexJump(from: 0, to: index))
        #expect(Self.outcome(of: &queue, in: ram.map) == broken)
        // Nothing heals a broken queue.
        try driver.publishIndex(0)
        #expect(Self.outcome(of: &queue, in: ram.map) == broken)
    }

    struct Area: CustomTestStringConvertible {
        let testDescription: String
        var table = GuestAddress(0x10_0000)
        var available = GuestAddress(0x10_1000)
        var used = GuestAddress(0x10_2000)
        let error: GuestMemoryError
    }

    @Test(arguments: [
        Area(testDescription: "table", table: outside, error: .unmapped(outside)),
        Area(testDescription: "table wraps", table: GuestAddress(.max - 15), error: .wraps(GuestAddress(.max - 15))),
        Area(testDescription: "available", available: outside, error: .unmapped(GuestAddress(outside.rawValue + 2))),
        Area(
            testDescription: "available wraps", available: GuestAddress(.max - 1), error: .wraps(GuestAddress(.max - 1))
        ),
        Area(testDescription: "used", used: outside, error: .unmapped(GuestAddress(outside.rawValue + 4))),
        Area(
            testDescription: "used at the end of memory", used: GuestAddress(0x4f_fffc),
            error: .unmapped(GuestAddress(0x50_0000))),
    ]) func ringsOutsideMemory(_ area: Area) throws {
        let ram = try GuestRAM()
        var queue: any Virtqueue = SplitQueue(
            QueueActivation(
                size: 8, descriptorArea: area.table, driverArea: area.available, deviceArea: area.used,
                interrupt: NoInterrupt()), features: 0)
        if ram.map.covers(area.available, byteCount: 4) {
            try ram.map.storeRingWord(1, at: GuestAddress(area.available.rawValue + 2))
            // Entry 1 wraps where entry 0 does not.
            try ram.map.storeRingWord(
                area.table.rawValue == .max - 15 ? 1 : 0, at: GuestAddress(area.available.rawValue + 4))
        }
        do throws(QueueError) {
            let horizon = try queue.publishedHorizon(in: ram.map)
            if case .chain(let chain) = try queue.pop(upTo: horizon, in: ram.map) {
                try queue.push(chain.token, writtenByteCount: 0, in: ram.map)
            }
            Issue.record("no error")
        } catch {
            #expect(error == .ring(area.error))
        }
    }

    @Test func theHorizonHidesWhatComesLater() throws {
        let ram = try GuestRAM()
        var driver = try SplitDriverQueue(ram, size: 8)
        var queue = SplitQueue(driver.activation(), features: 0)
        _ = try driver.add([.readable(Self.buffer, 4)])
        _ = try driver.publish()
        let horizon = try queue.publishedHorizon(in: ram.map)
        _ = try driver.add([.readable(Self.buffer, 8)])
        _ = try driver.publish()
        #expect(try queue.pop(upTo: horizon, in: ram.map) != nil)
        #expect(try queue.pop(upTo: horizon, in: ram.map) == nil)
        #expect(try queue.pop(upTo: queue.publishedHorizon(in: ram.map), in: ram.map) != nil)
    }
}
