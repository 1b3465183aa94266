import GuestMemory
import Testing
import TestSupport
import Virtio

/// Queue registers, vectors and the configuration space: virtio 1.3, sections 2.5 and 4.1.4.3.
@Suite struct RegisterTests {
    let device: FakeDevice
    let transport: EmbeddedTransport
    var core: TransportCore { transport.core }

    init() throws {
        device = try FakeDevice()
        transport = EmbeddedTransport(
            device: device, memory: GuestAddressSpace(), ringFeatures: Feature.defaultRingFeatures | Feature.packedRing)
    }

    private func negotiate(_ features: UInt64 = Feature.version1) {
        for status: UInt8 in [1, 3] { core.writeStatus(status) }
        core.selectDriverFeatures(1)
        core.writeDriverFeatures(UInt32(truncatingIfNeeded: features >> 32))
        core.writeStatus(11)
    }

    struct Size: CustomTestStringConvertible {
        let written: UInt16
        let isPacked: Bool
        let result: UInt16
        var testDescription: String { "\(written), \(isPacked ? "packed" : "split")" }
    }

    @Test(arguments: [
        Size(written: 1, isPacked: false, result: 1), Size(written: 2, isPacked: false, result: 2),
        Size(written: 256, isPacked: false, result: 256), Size(written: 0, isPacked: false, result: 256),
        Size(written: 3, isPacked: false, result: 256), Size(written: 512, isPacked: false, result: 256),
        Size(written: 65535, isPacked: false, result: 256), Size(written: 3, isPacked: true, result: 3),
        Size(written: 0, isPacked: true, result: 256), Size(written: 257, isPacked: true, result: 256),
    ]) func queueSize(_ size: Size) {
        negotiate(Feature.version1 | (size.isPacked ? Feature.packedRing : 0))
        core.writeQueueSize(size.written)
        #expect(core.queueSize == size.result)
    }

    struct Alignment: CustomTestStringConvertible {
        let area: QueueArea
        let address: UInt64
        let isPacked: Bool
        let enables: Bool
        var testDescription: String { "\(area) at \(address), \(isPacked ? "packed" : "split")" }
    }

    @Test(arguments: [
        Alignment(area: .descriptor, address: 16, isPacked: false, enables: true),
        Alignment(area: .descriptor, address: 8, isPacked: false, enables: false),
        Alignment(area: .driver, address: 2, isPacked: false, enables: true),
        Alignment(area: .driver, address: 1, isPacked: false, enables: false),
        Alignment(area: .device, address: 4, isPacked: false, enables: true),
        Alignment(area: .device, address: 2, isPacked: false, enables: false),
        Alignment(area: .driver, address: 2, isPacked: true, enables: false),
        Alignment(area: .driver, address: 4, isPacked: true, enables: true),
    ]) func misalignedPartsKeepAQueueDisabled(_ part: Alignment) {
        negotiate(Feature.version1 | (part.isPacked ? Feature.packedRing : 0))
        core.writeQueueAddress(part.area, part.address)
        core.writeQueueEnable(1)
        #expect(core.isQueueEnabled == part.enables)
    }

    @Test func absentQueueReadsAsNothing() {
        negotiate()
        core.selectQueue(2)
        core.writeQueueSize(8)
        core.writeQueueAddress(.device, 16)
        core.writeQueueVector(1)
        core.writeQueueEnable(1)
        #expect(core.queueSize == 0)
        #expect(core.queueAddress(.device) == 0)
        #expect(core.queueVector == TransportCore.noVector)
        #expect(!core.isQueueEnabled)
        #expect(core.selectedQueue == 2)
    }

    @Test func queueRegistersWaitForFeatures() {
        core.writeQueueSize(8)
        core.writeQueueEnable(1)
        #expect(core.queueSize == 256)
        #expect(!core.isQueueEnabled)
    }

    @Test func anEnabledQueueCannotBeChanged() {
        negotiate()
        core.writeQueueEnable(0)
        #expect(!core.isQueueEnabled)
        core.writeQueueEnable(1)
        core.writeQueueSize(8)
        core.writeQueueAddress(.descriptor, 4096)
        core.writeQueueEnable(0)
        #expect(core.isQueueEnabled)
        #expect(core.queueSize == 256)
        #expect(core.queueAddress(.descriptor) == 0)
    }

    @Test func halvesOfAnAddressAreWrittenApart() {
        negotiate()
        core.writeQueueAddress(.driver, low: 0x89ab_cde0)
        core.writeQueueAddress(.driver, high: 0x0123_4567)
        #expect(core.queueAddress(.driver) == 0x0123_4567_89ab_cde0)
        core.writeQueueAddress(.driver, low: 0)
        #expect(core.queueAddress(.driver) == 0x0123_4567_0000_0000)
    }

    @Test func theDeviceGetsWhatTheDriverSetUp() {
        let queue = EmbeddedTransport.Queue(
            size: 16, descriptorArea: GuestAddress(0x1000), driverArea: GuestAddress(0x2000),
            deviceArea: GuestAddress(0x3000))
        transport.start(accepting: Feature.version1 | 4, queues: [queue])
        let activation = device.activations[0]
        #expect(activation.features == Feature.version1 | 4)
        #expect(activation.queues[1] == nil)
        let first = activation.queues[0]
        #expect(first?.size == 16)
        #expect(first?.descriptorArea == queue.descriptorArea)
        #expect(first?.driverArea == queue.driverArea)
        #expect(first?.deviceArea == queue.deviceArea)
    }

    @Test func vectorsMayChangeWhileTheDeviceRuns() {
        let queue = EmbeddedTransport.Queue(
            size: 16, descriptorArea: GuestAddress(0), driverArea: GuestAddress(0), deviceArea: GuestAddress(0))
        transport.start(accepting: Feature.version1, queues: [queue])
        let interrupt = device.activations[0].queues[0]?.interrupt
        interrupt?.signal()
        core.writeQueueVector(2)
        interrupt?.signal()
        core.writeQueueVector(3)
        #expect(core.queueVector == TransportCore.noVector)
        interrupt?.signal()
        #expect((0..<3).map { transport.interruptCount(vector: $0) } == [0, 1, 1])
        #expect(core.takeInterruptStatus() == 1)
    }

    @Test func resetUnmapsVectorsAndQueues() {
        transport.start(accepting: Feature.version1, queues: [])
        core.writeQueueVector(1)
        core.writeConfigurationVector(2)
        #expect(core.configurationVector == 2)
        core.writeStatus(0)
        #expect(core.queueVector == TransportCore.noVector)
        #expect(core.configurationVector == TransportCore.noVector)
        #expect(core.acceptedFeatures == 0)
        core.writeConfigurationVector(3)
        #expect(core.configurationVector == TransportCore.noVector)
    }

    @Test func doorbellsAreHeardOnlyWhileTheDriverRunsTheDevice() {
        core.notifyQueue(0)
        #expect(!device.doorbells[0].isSignalled)
        transport.start(accepting: Feature.version1, queues: [])
        core.notifyQueue(1)
        core.notifyQueue(2)
        #expect(!device.doorbells[0].isSignalled)
        #expect(device.doorbells[1].isSignalled)
    }

    struct Load: CustomTestStringConvertible {
        let offset: UInt64
        let byteCount: Int
        let value: UInt64
        var testDescription: String { "\(byteCount) bytes at \(offset)" }
    }

    /// The space holds the bytes 1 to 12.
    @Test(arguments: [
        Load(offset: 0, byteCount: 1, value: 1), Load(offset: 3, byteCount: 2, value: 0x0504),
        Load(offset: 0, byteCount: 8, value: 0x0807_0605_0403_0201), Load(offset: 11, byteCount: 4, value: 12),
        Load(offset: 12, byteCount: 1, value: 0), Load(offset: .max, byteCount: 8, value: 0),
        Load(offset: UInt64(Int.max), byteCount: 8, value: 0), Load(offset: 0, byteCount: 0, value: 0),
        Load(offset: 0, byteCount: 99, value: 0x0807_0605_0403_0201), Load(offset: 0, byteCount: -1, value: 0),
    ]) func configurationLoads(_ load: Load) {
        #expect(core.readConfiguration(at: load.offset, byteCount: load.byteCount) == load.value)
    }

    @Test func configurationStoresStayInside() {
        for (value, offset, count): (UInt64, UInt64, Int) in [
            (1, 0, 4), (2, 8, 4), (3, 9, 4), (4, .max, 1), (5, 12, 1), (6, 11, 1), (7, 0, 0), (8, 0, -4), (9, 0, 16),
        ] {
            core.writeConfiguration(value, at: offset, byteCount: count)
        }
        #expect(device.record.withLock { $0.writes } == [1, 2, 6])
    }

    @Test func generationChangesWithTheConfiguration() {
        let first = core.configurationGeneration
        #expect(core.configurationGeneration == first)
        _ = core.readConfiguration(at: 0, byteCount: 4)
        device.record.withLock { $0.bytes[8] = 99 }
        _ = core.readConfiguration(at: 8, byteCount: 4)
        #expect(core.configurationGeneration != first)
    }

    /// An activation speaks to the driver that set it up, and to no later one.
    @Test func configurationChangesAreToldToARunningDriver() throws {
        transport.start(accepting: Feature.version1, queues: [])
        let first = try #require(device.activations.last)
        first.configurationChanged()
        #expect(transport.interruptCount(vector: 0) == 1)
        core.writeStatus(0)
        first.configurationChanged()
        transport.start(accepting: Feature.version1, queues: [])
        first.configurationChanged()
        #expect(transport.interruptCount(vector: 0) == 1)
        try #require(device.activations.last).configurationChanged()
        #expect(transport.interruptCount(vector: 0) == 2)
    }
}
