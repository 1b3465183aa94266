import GuestMemory
import Synchronization
import Testing
import TestSupport
import Virtio
@testable import VirtioPMem

/// Configuration, resets and wrap-around of the whole device: virtio 1.3, section 5.19.
@Suite struct DeviceTests {
    @Test func whatItIs() throws {
        let device = try Harness().device
        #expect(device.traits == DeviceTraits(deviceID: 27, pciClassCode: 0x00ff00, maximumQueueSizes: [1024]))
        #expect(device.doorbells.count == 1)
    }

    struct Field: CustomTestStringConvertible {
        let offset: UInt64
        let byteCount: Int
        let value: UInt64
        var testDescription: String { "\(byteCount) bytes at \(offset)" }
    }

    @Test(arguments: [
        Field(offset: 0, byteCount: 8, value: 0x1_0000_0000), Field(offset: 8, byteCount: 8, value: 2 << 20),
        Field(offset: 0, byteCount: 4, value: 0), Field(offset: 4, byteCount: 4, value: 1),
        Field(offset: 10, byteCount: 1, value: 0x20), Field(offset: 16, byteCount: 4, value: 0),
    ]) func configuration(_ field: Field) throws {
        let core = try Harness().transport.core
        #expect(core.readConfiguration(at: field.offset, byteCount: field.byteCount) == field.value)
        core.writeConfiguration(.max, at: field.offset, byteCount: field.byteCount)
        #expect(core.readConfiguration(at: field.offset, byteCount: field.byteCount) == field.value)
    }

    @Test func sharedMemoryRegionHidesTheRange() throws {
        let device = try PMemDevice(
            id: "nv1", durability: Durability(of: FakeBackend()), range: Harness.range, offersSharedMemoryRegion: true)
        let core = EmbeddedTransport(device: device, memory: GuestAddressSpace()).core
        #expect(core.deviceFeatures & 1 == 1)
        // Section 2.5.2: every field can be read before FEATURES_OK.
        #expect(core.readConfiguration(at: 8, byteCount: 8) == 2 << 20)
        let generation = core.configurationGeneration
        let zeroes = [UInt8](repeating: 0, count: 16)
        #expect(device.configuration(acceptedFeatures: Feature.version1 | 1) == zeroes)
        #expect(device.configuration(acceptedFeatures: Feature.version1) != zeroes)
        EmbeddedTransport(device: device, memory: GuestAddressSpace()).start(
            accepting: Feature.version1 | 1, queues: [])
        for status: UInt8 in [1, 3] { core.writeStatus(status) }
        core.writeDriverFeatures(1)
        core.selectDriverFeatures(1)
        core.writeDriverFeatures(1)
        core.writeStatus(11)
        #expect(core.readConfiguration(at: 8, byteCount: 8) == 0)
        #expect(core.configurationGeneration != generation)
    }

    @Test(arguments: [2, 4, 8, 16, 32, 64, 128, 256, 512, 1024] as [UInt16], RingLayout.allCases)
    func queueSizes(_ size: UInt16, _ layout: RingLayout) throws {
        let harness = try Harness(layout: layout, size: size)
        for count in [1, Int(size) / 2, Int(size) / 2, 1] {
            try harness.send(count)
            #expect(try harness.receive(count) == Array(repeating: .success, count: count))
        }
    }

    /// Past 65536 requests, where the indices of a split ring wrap; a packed ring has wrapped a thousand times by then.
    @Test(arguments: RingLayout.allCases) func indicesWrap(_ layout: RingLayout) throws {
        let harness = try Harness(layout: layout, size: 64, eventIndex: true)
        for _ in 0..<2_100 {
            try harness.queue.requestInterrupt(true)
            try harness.send(32)
            #expect(try harness.receive(32).allSatisfy { $0 == .success })
        }
        #expect(harness.durability.figures.statistics.flushCount == 67_200)
        #expect(harness.durability.figures.statistics.failureCount == 0)
    }

    /// The driver rings only when asked to, and the device interrupts only when asked to, with event index and
    /// without: if either side lost a notification, the answer would never come.
    @Test(arguments: RingLayout.allCases, [false, true])
    func noNotificationIsLost(_ layout: RingLayout, eventIndex: Bool) throws {
        let harness = try Harness(layout: layout, size: 8, eventIndex: eventIndex)
        for _ in 0..<1_000 {
            try harness.queue.requestInterrupt(true)
            let before = harness.interruptCount
            try harness.send()
            try wait(for: "the interrupt") { harness.interruptCount > before }
            #expect(try harness.receive() == [.success])
        }
    }

    @Test(arguments: RingLayout.allCases, [false, true])
    func noInterruptWhereNoneIsWanted(_ layout: RingLayout, eventIndex: Bool) throws {
        let harness = try Harness(layout: layout, eventIndex: eventIndex)
        for _ in 0..<100 {
            try harness.queue.requestInterrupt(false)
            #expect(try harness.flush() == .success)
        }
        #expect(harness.interruptCount == 0)
    }

    @Test func doorbellOfAnEmptyRing() throws {
        let harness = try Harness()
        for _ in 0..<10 { harness.ring() }
        #expect(try harness.flush() == .success)
        #expect(harness.transport.core.status.rawValue == 15)
        #expect(harness.interruptCount <= 1)
    }

    @Test func requestsFromBeforeDriverOKWaitForTheDoorbell() throws {
        let harness = try Harness()
        harness.transport.core.writeStatus(0)
        try harness.send(3)
        harness.ring()
        var abandoned = harness.queue
        // The next life's only sync is that of its own request.
        try harness.restart()
        #expect(try harness.flush() == .success)
        #expect(harness.backend.startedCount == 1)
        #expect(try abandoned.takeUsed() == nil)
    }

    /// Sections 2.4.1 and 2.1.2: the status stays until the sync ended; its result reaches no ring.
    @Test(arguments: RingLayout.allCases) func resetDuringASync(_ layout: RingLayout) throws {
        let harness = try Harness(layout: layout)
        harness.backend.hold()
        try harness.send(3)
        try wait(for: "the sync") { harness.backend.startedCount == 1 }
        let core = harness.transport.core
        let statusAtTheEnd = Mutex<UInt8>(0)
        harness.backend.beforeEnd { statusAtTheEnd.withLock { $0 = core.status.rawValue } }
        core.writeStatus(0)
        #expect(core.status.rawValue == 15)
        harness.backend.release()
        try wait(for: "the reset") { harness.transport.core.status == [] }
        #expect(harness.backend.finishedCount == 1 && statusAtTheEnd.withLock { $0 } == 15)
        #expect(try harness.queue.takeUsed() == nil)
        #expect(harness.interruptCount == 0)
        try harness.restart()
        #expect(try harness.flush() == .success)
        #expect(harness.backend.startedCount == 2)
    }

    /// What unplugging and powering off do: they wait for the sync, whose answer is dropped, and then touch nothing.
    @Test(arguments: RingLayout.allCases) func takenAwayDuringASync(_ layout: RingLayout) throws {
        let harness = try Harness(layout: layout)
        harness.backend.hold()
        try harness.send(3)
        try wait(for: "the sync") { harness.backend.startedCount == 1 }
        let goneCount = Mutex(0)
        let goneAtTheEnd = Mutex(-1)
        // The guest's own reset is under way when the machine wants the device back.
        harness.transport.core.writeStatus(0)
        for _ in 0..<2 { harness.transport.core.reset { goneCount.withLock { $0 += 1 } } }
        harness.backend.beforeEnd {
            let count = goneCount.withLock { $0 }
            goneAtTheEnd.withLock { $0 = count }
        }
        harness.backend.release()
        try wait(for: "the end") { goneCount.withLock { $0 } == 2 }
        #expect(harness.backend.finishedCount == 1 && goneAtTheEnd.withLock { $0 } == 0)
        #expect(try harness.queue.takeUsed() == nil)
        #expect(harness.interruptCount == 0)
        // A doorbell that is still on its way is ignored: the next sync is that of the next life's request.
        harness.ring()
        try harness.restart()
        #expect(try harness.flush() == .success)
        #expect(harness.backend.startedCount == 2)
    }

    /// Without VIRTIO_F_RING_RESET a queue that runs cannot be disabled (virtio 1.3, section 4.1.4.3.2).
    @Test func aRunningQueueCannotBeDisabled() throws {
        let harness = try Harness()
        #expect(harness.transport.core.offeredFeatures & (1 << 40) == 0)
        harness.transport.core.writeQueueEnable(0)
        #expect(harness.transport.core.isQueueEnabled)
        #expect(try harness.flush() == .success)
    }

    @Test func manyResets() throws {
        let harness = try Harness()
        for _ in 0..<100 {
            try harness.send(2)
            try harness.restart()
        }
        #expect(try harness.flush() == .success)
        #expect(harness.events == [])
    }

    /// Without its queue enabled the device starts, serves nothing, and resets.
    @Test func withoutAQueue() throws {
        let harness = try Harness()
        harness.transport.core.writeStatus(0)
        try wait(for: "the reset") { harness.transport.core.status == [] }
        #expect(harness.transport.start(accepting: Feature.version1, queues: []).rawValue == 15)
        harness.ring()
        harness.transport.core.writeStatus(0)
        #expect(harness.transport.core.status == [])
    }
}
