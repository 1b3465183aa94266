import GuestMemory
import Testing
import TestSupport
@testable import Virtio

/// Who is notified when, and everything that has to work in both layouts: virtio 1.3, sections 2.7.7, 2.7.10 and
/// 2.8.10.
@Suite struct SuppressionTests {
    static let buffer = GuestAddress(0x10_0000)

    struct Interrupt: CustomTestStringConvertible {
        let layout: RingLayout
        let eventIndex: Bool
        /// What the driver asked for before the batch; nil: nothing ever.
        let wanted: Bool?
        let isSent: Bool
        var testDescription: String {
            "\(layout), event index \(eventIndex), \(wanted.map { $0 ? "wanted" : "unwanted" } ?? "not said")"
        }
    }

    static let interrupts: [Interrupt] = [RingLayout.split, .packed].flatMap { layout in
        [
            Interrupt(layout: layout, eventIndex: false, wanted: nil, isSent: true),
            Interrupt(layout: layout, eventIndex: false, wanted: true, isSent: true),
            Interrupt(layout: layout, eventIndex: false, wanted: false, isSent: false),
            Interrupt(layout: layout, eventIndex: true, wanted: nil, isSent: true),
            Interrupt(layout: layout, eventIndex: true, wanted: true, isSent: true),
            Interrupt(layout: layout, eventIndex: true, wanted: false, isSent: false),
        ]
    }

    /// The same at every position of the ring and in several laps, since an index wraps somewhere.
    @Test(arguments: interrupts) func interruptsAsTheDriverAskedFor(_ test: Interrupt) throws {
        let ram = try GuestRAM()
        var driver = try test.layout.makeDriverQueue(ram, size: 8, eventIndex: test.eventIndex)
        var queue = driver.activation().makeQueue(features: test.layout.features(eventIndex: test.eventIndex))
        for position in 0..<40 {
            if let wanted = test.wanted { try driver.requestInterrupt(wanted) }
            _ = try driver.add([.writable(Self.buffer, 4)])
            _ = try driver.publish()
            let isSent = try answerAll(&queue, in: ram.map)
            // What the driver never said is a zeroed ring: with the event index, "after the first one".
            let isStale = test.wanted == nil && test.eventIndex && test.layout == .split && position > 0
            #expect(isSent == (test.isSent && !isStale), "position \(position)")
            #expect(try driver.takeUsed()?.writtenByteCount == 4)
        }
    }

    struct Event: CustomTestStringConvertible {
        /// How many buffers one batch returns, from used index 0 on.
        let batch: Int
        /// The used index that the driver named.
        let event: UInt16
        let isSent: Bool
        var testDescription: String { "\(batch) used, event \(event)" }
    }

    @Test(
        arguments: [
            Event(batch: 1, event: 0, isSent: true), Event(batch: 1, event: 1, isSent: false),
            Event(batch: 4, event: 0, isSent: true), Event(batch: 4, event: 3, isSent: true),
            Event(batch: 4, event: 4, isSent: false), Event(batch: 4, event: 0xffff, isSent: false),
            Event(batch: 8, event: 7, isSent: true), Event(batch: 8, event: 8, isSent: false),
        ], RingLayout.allCases) func interruptWhenTheEventIsPassed(_ test: Event, _ layout: RingLayout) throws
    {
        let ram = try GuestRAM()
        var driver = try layout.makeDriverQueue(ram, size: 8, eventIndex: true)
        var queue = driver.activation().makeQueue(features: layout.features(eventIndex: true))
        try (driver as? SplitDriverQueue)?.setUsedEvent(test.event)
        // In a packed ring of 8, index 8 is entry 0 of the second lap, and index -1 is in no lap there was.
        try (driver as? PackedDriverQueue)?.setUsedEvent(test.event % 8, wrap: test.event < 8)
        for _ in 0..<test.batch { _ = try driver.add([.writable(Self.buffer, 4)]) }
        _ = try driver.publish()
        #expect(try answerAll(&queue, in: ram.map) == test.isSent)
    }

    private func answerAll(_ queue: inout any Virtqueue, in memory: MemoryMap) throws -> Bool {
        let horizon = try queue.publishedHorizon(in: memory)
        while case .chain(let chain) = try queue.pop(upTo: horizon, in: memory) {
            try queue.push(chain.token, writtenByteCount: 4, in: memory)
        }
        return try queue.publish(in: memory)
    }

    struct Doorbell: CustomTestStringConvertible {
        let layout: RingLayout
        let eventIndex: Bool
        /// Whether the device asks again after it took a buffer.
        let isArmed: Bool
        let isRung: Bool
        var testDescription: String { "\(layout), event index \(eventIndex), armed \(isArmed)" }
    }

    @Test(
        arguments: RingLayout.allCases.flatMap { layout in
            [
                Doorbell(layout: layout, eventIndex: false, isArmed: false, isRung: true),
                Doorbell(layout: layout, eventIndex: false, isArmed: true, isRung: true),
                Doorbell(layout: layout, eventIndex: true, isArmed: false, isRung: false),
                Doorbell(layout: layout, eventIndex: true, isArmed: true, isRung: true),
            ]
        }) func doorbellsAsTheDeviceAskedFor(_ test: Doorbell) throws
    {
        let ram = try GuestRAM()
        var driver = try test.layout.makeDriverQueue(ram, size: 4, eventIndex: test.eventIndex)
        var queue = driver.activation().makeQueue(features: test.layout.features(eventIndex: test.eventIndex))
        #expect(try queue.requestNotification(in: ram.map) == false)
        // An event that is never renewed means the same entry again two laps later.
        for position in 0..<(test.isArmed ? 20 : 8) {
            _ = try driver.add([.writable(Self.buffer, 4)])
            #expect(try driver.publish() == (test.isRung || position == 0), "position \(position)")
            _ = try answerAll(&queue, in: ram.map)
            if test.isArmed { #expect(try queue.requestNotification(in: ram.map) == false) }
            _ = try driver.takeUsed()
        }
    }

    @Test(arguments: RingLayout.allCases, [false, true])
    func aBufferThatCameBeforeTheRequestIsReported(_ layout: RingLayout, eventIndex: Bool) throws {
        let ram = try GuestRAM()
        var driver = try layout.makeDriverQueue(ram, size: 4, eventIndex: eventIndex)
        var queue = driver.activation().makeQueue(features: layout.features(eventIndex: eventIndex))
        _ = try driver.add([.writable(Self.buffer, 4)])
        _ = try driver.publish()
        #expect(try queue.requestNotification(in: ram.map))
    }

    struct Wrap: CustomTestStringConvertible {
        let layout: RingLayout
        let size: UInt16
        var isIndirect = false
        /// Above 65536 where the 16-bit indices of a split ring are to wrap; laps of the ring are fewer.
        var count = 5_000
        var testDescription: String { "\(count) in \(layout) of \(size)\(isIndirect ? ", indirect" : "")" }
    }

    static let wraps: [Wrap] =
        RingLayout.allCases.flatMap { layout in
            [2, 4, 64, 256].flatMap { size in
                [false, true].map { Wrap(layout: layout, size: size, isIndirect: $0) }
            } + [Wrap(layout: layout, size: 1024)]
        } + [3, 5, 7].map { Wrap(layout: .packed, size: $0) }
        + [Wrap(layout: .split, size: 32, count: 70_000)]

    /// In batches of every size that fits, nothing is lost, doubled or out of order.
    @Test(arguments: wraps) func indicesWrap(_ test: Wrap) throws {
        let ram = try GuestRAM()
        let features = test.layout.features(eventIndex: true, indirect: true)
        var driver = try test.layout.makeDriverQueue(ram, size: test.size, eventIndex: true)
        var queue = driver.activation().makeQueue(features: features)
        let pieces = [BufferPiece.readable(Self.buffer, 4), .writable(Self.buffer, 4)]
        let largest = Int(test.size) / (test.isIndirect ? 1 : 2)
        var done = 0
        var batch = 1
        while done < test.count {
            let ids = try (0..<batch).map { _ in try driver.add(pieces, indirect: test.isIndirect) }
            _ = try driver.publish()
            _ = try answerAll(&queue, in: ram.map)
            let used = try (0..<batch).map { _ in try driver.takeUsed()?.id }
            guard used == ids else {
                Issue.record("after \(done): \(used) instead of \(ids)")
                return
            }
            done += batch
            batch = batch % largest + 1
        }
        #expect(try driver.takeUsed() == nil)
    }
}
