import GuestMemory
import Host
import Synchronization
import Testing
import TestSupport
import Virtio
@testable import VirtioRNG

/// The entropy device: virtio 1.3, section 5.4.
@Suite struct DeviceTests {
    @Test func whatItIs() throws {
        let device = try RNGDevice(id: "r", source: CountingSource())
        #expect(device.traits == DeviceTraits(deviceID: 4, pciClassCode: 0x00ff00, maximumQueueSizes: [8]))
        #expect(device.configuration(acceptedFeatures: .max) == [])
        #expect(device.doorbells.count == 1)
    }

    @Test(arguments: RingLayout.allCases, [false, true])
    func bytesArriveInOrder(_ layout: RingLayout, isIndirect: Bool) throws {
        let harness = try Harness(CountingSource(), layout: layout)
        try harness.send(
            [
                [.writable(harness.address(0), 2), .writable(harness.address(1), 3)],
                [.writable(harness.address(2), 2)],
            ],
            indirect: isIndirect)
        #expect(try [harness.receive(), harness.receive()] == [5, 2])
        #expect(try harness.bytes(0, count: 3) == [1, 2, 0])
        #expect(try harness.bytes(1, count: 4) == [3, 4, 5, 0])
        #expect(try harness.bytes(2, count: 3) == [6, 7, 0])
        try wait(for: "the interrupt") { harness.transport.interruptCount(vector: 1) == 1 }
        #expect(harness.events == [])
    }

    /// Section 5.4.6: a buffer comes back with one byte at least, and need not be full.
    @Test func aReadingIsSharedAmongBuffers() throws {
        let source = CountingSource(longest: 5)
        let harness = try Harness(source)
        try harness.send([[.writable(harness.address(0), 4)], [.writable(harness.address(1), 4)]])
        #expect(try [harness.receive(), harness.receive()] == [4, 1])
        #expect(source.readings == [8])
    }

    @Test(arguments: [1, 63, 64, 4096, 65535, 65536] as [UInt32]) func everySize(_ size: UInt32) throws {
        let harness = try Harness(CountingSource())
        try harness.send([[.writable(harness.address(0), size)]])
        #expect(try harness.receive() == size)
    }

    @Test func theKernelsBytesDiffer() throws {
        for source: any EntropySource in [BuiltinEntropy(), try EntropyFile()] {
            let harness = try Harness(source)
            try harness.send([[.writable(harness.address(0), 64)], [.writable(harness.address(1), 64)]])
            #expect(try [harness.receive(), harness.receive()] == [64, 64])
            #expect(try harness.bytes(0, count: 64) != harness.bytes(1, count: 64))
        }
    }

    struct Malformed: CustomTestStringConvertible {
        let testDescription: String
        let written: UInt32
        let error: RequestError
        let pieces: @Sendable (Harness) -> [BufferPiece]
    }

    static let outside = GuestAddress(0xdead_0000_0000)

    @Test(
        arguments: [
            Malformed(testDescription: "only a readable piece", written: 0, error: .readablePiece) {
                [.readable($0.address(0), 8)]
            },
            Malformed(testDescription: "a readable piece first", written: 0, error: .readablePiece) {
                [.readable($0.address(0), 8), .writable($0.address(1), 8)]
            },
            Malformed(testDescription: "a readable piece last", written: 0, error: .readablePiece) {
                [.writable($0.address(1), 8), .readable($0.address(0), 8)]
            },
            Malformed(testDescription: "no room", written: 0, error: .noRoom(byteCount: 0)) {
                [.writable($0.address(0), 0)]
            },
            Malformed(testDescription: "outside memory", written: 0, error: .unwritable(.unmapped(outside))) { _ in
                [.writable(outside, 8)]
            },
            Malformed(
                testDescription: "past the end of the address space", written: 0,
                error: .unwritable(.wraps(GuestAddress(.max - 3)))
            ) { _ in [.writable(GuestAddress(.max - 3), 8)] },
            Malformed(testDescription: "as long as can be", written: 0, error: .unwritable(.unmapped(outside))) { _ in
                [.writable(outside, .max)]
            },
        ], RingLayout.allCases) func malformedRequests(_ test: Malformed, _ layout: RingLayout) throws
    {
        let harness = try Harness(CountingSource(), layout: layout)
        for _ in 0..<3 {
            try harness.send([test.pieces(harness)])
            #expect(try harness.receive() == test.written)
        }
        #expect(harness.events == [.queue(.malformedRequest(test.error))])
        #expect(try harness.bytes(1, count: 8) == [UInt8](repeating: 0, count: 8))
        #expect(try harness.works())
    }

    /// A huge buffer costs no more host memory than one reading.
    @Test func aHugeBufferGetsOneReading() throws {
        let source = CountingSource()
        let harness = try Harness(source)
        try harness.send([[.writable(harness.address(0), 1 << 20)]])
        #expect(try harness.receive() == 1 << 16)
        #expect(source.readings == [1 << 16])
    }

    @Test func aBrokenRingAsksForAReset() throws {
        let harness = try Harness(CountingSource())
        var queue = try #require(harness.queue as? SplitDriverQueue)
        try queue.publishIndex(9)
        harness.ring()
        try wait(for: "DEVICE_NEEDS_RESET") { harness.transport.core.status.contains(.needsReset) }
        #expect(harness.events == [.queue(.broken(.availableIndexJump(from: 0, to: 9)))])
        try harness.restart()
        #expect(try harness.works())
    }
}
