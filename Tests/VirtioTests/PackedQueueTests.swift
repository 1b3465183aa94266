import GuestMemory
import Testing
import TestSupport
@testable import Virtio

/// Virtio 1.3, section 2.8: chains that a driver must not build, and what becomes of them.
@Suite struct PackedQueueTests {
    static let outside = SplitQueueTests.outside
    static let buffer = SplitQueueTests.buffer

    struct Piece: Sendable {
        var address = buffer
        let byteCount: UInt32
        let flags: UInt16
    }

    struct Case: CustomTestStringConvertible {
        let testDescription: String
        var features = Feature.indirectDescriptors
        let pieces: [Piece]
        /// Flags of descriptors, 4 bytes each, in a table at the address `buffer`.
        var table: [UInt16] = []
        let outcome: SplitQueueTests.Outcome
    }

    static let cases: [Case] = [
        Case(testDescription: "one descriptor", pieces: [Piece(byteCount: 4, flags: 0)], outcome: .chain([4])),
        Case(
            testDescription: "list", pieces: [Piece(byteCount: 4, flags: 1), Piece(byteCount: 5, flags: 2)],
            outcome: .chain([4, 5])),
        Case(
            testDescription: "list without end", pieces: Array(repeating: Piece(byteCount: 4, flags: 1), count: 8),
            outcome: .broken(.endlessChain)),
        Case(
            testDescription: "more than 2^32 bytes",
            pieces: [Piece(byteCount: .max, flags: 1), Piece(byteCount: 2, flags: 0)],
            outcome: .malformed(.tooManyBytes)),
        Case(
            testDescription: "indirect, not negotiated", features: 0, pieces: [Piece(byteCount: 16, flags: 4)],
            outcome: .malformed(.indirectNotNegotiated)),
        Case(
            testDescription: "indirect", pieces: [Piece(byteCount: 32, flags: 4)], table: [0, 2],
            outcome: .chain([4, 4])),
        Case(
            testDescription: "indirect, next means nothing", pieces: [Piece(byteCount: 32, flags: 6)], table: [1, 1],
            outcome: .chain([4, 4])),
        Case(
            testDescription: "indirect table of 0 bytes", pieces: [Piece(byteCount: 0, flags: 4)],
            outcome: .malformed(.indirectTableSize(0))),
        Case(
            testDescription: "indirect table of 17 bytes", pieces: [Piece(byteCount: 17, flags: 4)],
            outcome: .malformed(.indirectTableSize(17))),
        Case(
            testDescription: "indirect table longer than the queue", pieces: [Piece(byteCount: 9 * 16, flags: 4)],
            table: Array(repeating: 0, count: 9), outcome: .malformed(.tooManyDescriptors)),
        Case(
            testDescription: "indirect and next",
            pieces: [Piece(byteCount: 16, flags: 5), Piece(byteCount: 4, flags: 0)],
            table: [0], outcome: .malformed(.indirectWithNext)),
        Case(
            testDescription: "indirect at the end of a list",
            pieces: [Piece(byteCount: 4, flags: 1), Piece(byteCount: 16, flags: 4)], table: [0],
            outcome: .malformed(.indirectWithNext)),
        Case(
            testDescription: "nested indirect", pieces: [Piece(byteCount: 16, flags: 4)], table: [4],
            outcome: .malformed(.nestedIndirect)),
        Case(
            testDescription: "indirect table outside memory",
            pieces: [Piece(address: outside, byteCount: 16, flags: 4)],
            outcome: .malformed(.indirectTable(.unmapped(outside)))),
    ]

    @Test(arguments: cases) func chains(_ test: Case) throws {
        let ram = try GuestRAM()
        let table = try ram.allocate(256)
        #expect(table == Self.buffer)
        var driver = try PackedDriverQueue(ram, size: 8)
        for (index, flags) in test.table.enumerated() {
            try driver.writeDescriptor(
                at: GuestAddress(table.rawValue + 16 * UInt64(index)), address: Self.buffer, byteCount: 4, id: 0,
                flags: flags)
        }
        for piece in test.pieces {
            try driver.append(address: piece.address, byteCount: piece.byteCount, id: 7, flags: piece.flags)
        }
        _ = try driver.publish()
        var queue = PackedQueue(driver.activation(), features: test.features)
        #expect(SplitQueueTests.outcome(of: &queue, in: ram.map) == test.outcome)
        // What was malformed has its end all the same, so the ring goes on behind it.
        if case .malformed = test.outcome {
            try driver.append(address: Self.buffer, byteCount: 77, id: 7, flags: 0)
            _ = try driver.publish()
            #expect(SplitQueueTests.outcome(of: &queue, in: ram.map) == .chain([77]))
        }
    }

    @Test func theHorizonHidesWhatComesLater() throws {
        let ram = try GuestRAM()
        var driver = try PackedDriverQueue(ram, size: 8)
        var queue = PackedQueue(driver.activation(), features: 0)
        _ = try driver.add([.readable(Self.buffer, 4), .readable(Self.buffer, 4)])
        _ = try driver.publish()
        let horizon = try queue.publishedHorizon(in: ram.map)
        _ = try driver.add([.readable(Self.buffer, 8)])
        _ = try driver.publish()
        #expect(try queue.pop(upTo: horizon, in: ram.map) != nil)
        #expect(try queue.pop(upTo: horizon, in: ram.map) == nil)
        #expect(try queue.pop(upTo: queue.publishedHorizon(in: ram.map), in: ram.map) != nil)
    }

    @Test func aBatchIsPublishedAtOnce() throws {
        let ram = try GuestRAM()
        var driver = try PackedDriverQueue(ram, size: 8)
        var queue = PackedQueue(driver.activation(), features: 0)
        for _ in 0..<3 { _ = try driver.add([.writable(Self.buffer, 4)]) }
        _ = try driver.publish()
        let horizon = try queue.publishedHorizon(in: ram.map)
        while case .chain(let chain) = try queue.pop(upTo: horizon, in: ram.map) {
            try queue.push(chain.token, writtenByteCount: 4, in: ram.map)
            #expect(try driver.takeUsed() == nil)
        }
        #expect(try queue.publish(in: ram.map))
        for _ in 0..<3 { #expect(try driver.takeUsed()?.writtenByteCount == 4) }
        #expect(try driver.takeUsed() == nil)
    }

    @Test func ringsOutsideMemory() throws {
        let ram = try GuestRAM()
        for address in [Self.outside, GuestAddress(.max - 15)] {
            var queue = PackedQueue(
                QueueActivation(
                    size: 8, descriptorArea: address, driverArea: address, deviceArea: address,
                    interrupt: NoInterrupt()), features: 0)
            guard case .broken(.ring) = SplitQueueTests.outcome(of: &queue, in: ram.map) else {
                Issue.record("no error at \(address)")
                continue
            }
        }
    }
}
