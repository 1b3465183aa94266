import GuestMemory
import SeededRandom
import Synchronization
import Testing
import TestSupport
import Virtio

/// Virtio 1.3, sections 2.1, 2.2, 2.4 and 3.1.1.
@Suite struct StatusTests {
    struct Sequence: CustomTestStringConvertible {
        let testDescription: String
        /// Status values in the order in which a driver writes them.
        let writes: [UInt8]
        let status: UInt8
        var features: UInt64 = Feature.version1
        var activations = 0
    }

    static let sequences = [
        Sequence(testDescription: "nothing written", writes: [], status: 0),
        Sequence(testDescription: "in order", writes: [1, 3, 11, 15], status: 15, activations: 1),
        Sequence(testDescription: "driver without acknowledge", writes: [2], status: 0),
        Sequence(testDescription: "features without driver", writes: [1, 9], status: 1),
        Sequence(testDescription: "driver OK without features OK", writes: [1, 3, 7], status: 3),
        Sequence(testDescription: "driver OK at once", writes: [4], status: 0),
        Sequence(testDescription: "driver OK twice", writes: [1, 3, 11, 15, 15], status: 15, activations: 1),
        Sequence(testDescription: "a bit cleared", writes: [1, 3, 1], status: 3),
        Sequence(
            testDescription: "a bit cleared while running", writes: [1, 3, 11, 15, 11], status: 15, activations: 1),
        Sequence(testDescription: "driver sets needs reset", writes: [1, 3, 67], status: 3),
        Sequence(testDescription: "unused bits", writes: [49], status: 1),
        Sequence(testDescription: "failed", writes: [1, 129], status: 129),
        Sequence(testDescription: "after failed", writes: [1, 129, 131], status: 129),
        Sequence(testDescription: "failed while running", writes: [1, 3, 11, 15, 143], status: 143, activations: 1),
        Sequence(testDescription: "reset", writes: [1, 3, 11, 15, 0], status: 0, activations: 1),
        Sequence(testDescription: "reset of nothing", writes: [0], status: 0),
        Sequence(testDescription: "reset after failed", writes: [1, 129, 0, 1], status: 1),
        Sequence(testDescription: "no version 1", writes: [1, 3, 11, 15], status: 3, features: 0),
        Sequence(testDescription: "device's own bits", writes: [1, 3, 11], status: 11, features: 1 << 32 | 0b101),
        Sequence(testDescription: "unknown device bit", writes: [1, 3, 11], status: 3, features: 1 << 32 | 0b10),
        Sequence(testDescription: "packed ring, not offered", writes: [1, 3, 11], status: 3, features: 0b101 << 32),
        Sequence(testDescription: "bit 63", writes: [1, 3, 11], status: 3, features: 1 << 63 | 1 << 32),
    ]

    @Test(arguments: sequences) func writesLeadToStatus(_ sequence: Sequence) throws {
        let device = try FakeDevice()
        let core = EmbeddedTransport(device: device, memory: GuestAddressSpace()).core
        for value in sequence.writes {
            core.writeStatus(value)
            for word: UInt32 in 0...1 where core.status == [.acknowledge, .driver] {
                core.selectDriverFeatures(word)
                core.writeDriverFeatures(UInt32(truncatingIfNeeded: sequence.features >> (32 * UInt64(word))))
            }
        }
        #expect(core.status.rawValue == sequence.status)
        #expect(device.activations.count == sequence.activations)
    }

    @Test func featuresAreShownByWord() throws {
        let core = EmbeddedTransport(device: try FakeDevice(), memory: GuestAddressSpace()).core
        let shown = [0, 1, 2, UInt32.max].map { word in
            core.selectDeviceFeatures(word)
            return core.deviceFeatures
        }
        #expect(shown == [0b101 | 1 << 28 | 1 << 29, 1, 0, 0])
    }

    @Test func featureWordsBeyondTheSecondAreRefused() throws {
        let core = EmbeddedTransport(device: try FakeDevice(), memory: GuestAddressSpace()).core
        for status: UInt8 in [1, 3] { core.writeStatus(status) }
        core.selectDriverFeatures(1)
        core.writeDriverFeatures(1)
        core.selectDriverFeatures(2)
        core.writeDriverFeatures(1)
        core.writeStatus(11)
        #expect(core.status == [.acknowledge, .driver])
    }

    @Test func featuresAreFixedOnceAccepted() throws {
        let transport = EmbeddedTransport(device: try FakeDevice(), memory: GuestAddressSpace())
        transport.start(accepting: Feature.version1 | 1, queues: [])
        transport.core.selectDriverFeatures(0)
        transport.core.writeDriverFeatures(4)
        #expect(transport.core.driverFeatures == 1)
        #expect(transport.core.acceptedFeatures == Feature.version1 | 1)
    }

    @Test func resetEndsWhenTheDeviceDoes() throws {
        let device = try FakeDevice(endsAtOnce: false)
        let transport = EmbeddedTransport(device: device, memory: GuestAddressSpace())
        let core = transport.core
        let completions = Mutex(0)
        #expect(transport.start(accepting: Feature.version1, queues: []).rawValue == 15)
        core.writeStatus(0)
        core.reset { completions.withLock { $0 += 1 } }
        core.writeStatus(1)
        core.writeStatus(0)
        #expect(core.status.rawValue == 15)
        #expect(completions.withLock { $0 } == 0)
        #expect(device.record.withLock { $0.deactivationCount } == 1)
        device.endDeactivation()
        #expect(core.status.rawValue == 0)
        #expect(completions.withLock { $0 } == 1)
        device.endDeactivation()
        #expect(transport.start(accepting: Feature.version1, queues: []).rawValue == 15)
    }

    @Test func brokenQueueAsksForReset() throws {
        let device = try FakeDevice()
        let transport = EmbeddedTransport(device: device, memory: GuestAddressSpace())
        transport.start(accepting: Feature.version1, queues: [])
        device.activations[0].needsReset()
        device.activations[0].needsReset()
        #expect(transport.core.status.contains(.needsReset))
        #expect(transport.interruptCount(vector: 0) == 1)
        #expect(transport.core.takeInterruptStatus() == 2)
        #expect(transport.core.takeInterruptStatus() == 0)
        // A driver that has not seen the bit yet does not clear it by its next store.
        transport.core.writeStatus(15)
        #expect(transport.core.status.contains(.needsReset))
    }

    @Test func deviceOfBeforeTheResetIsNotHeard() throws {
        let device = try FakeDevice()
        let transport = EmbeddedTransport(device: device, memory: GuestAddressSpace())
        transport.start(accepting: Feature.version1, queues: [])
        transport.core.writeStatus(0)
        transport.start(accepting: Feature.version1, queues: [])
        device.activations[0].needsReset()
        #expect(transport.core.status.rawValue == 15)
        #expect(transport.interruptCount(vector: 0) == 0)
    }

    @Test func deviceThatCannotStartAsksForReset() throws {
        let device = try FakeDevice(refuses: true)
        let failures = Mutex(0)
        let core = TransportCore(
            device: device, memory: GuestAddressSpace(), vectorCount: 0,
            activationFailed: { _ in failures.withLock { $0 += 1 } }, interruptLine: { _ in NoInterrupt() })
        for status: UInt8 in [1, 3] { core.writeStatus(status) }
        core.selectDriverFeatures(1)
        core.writeDriverFeatures(1)
        for status: UInt8 in [11, 15] { core.writeStatus(status) }
        #expect(core.status.rawValue == 15 | 64)
        #expect(core.takeInterruptStatus() == 2)
        #expect(failures.withLock { $0 } == 1)
        core.writeStatus(0)
        #expect(core.status.rawValue == 0)
        #expect(device.record.withLock { $0.deactivationCount } == 0)
    }

    /// Several vCPUs at once never deadlock it, and never make it call the device out of order.
    @Test func manyThreadsAtOnce() async throws {
        let device = try FakeDevice()
        let transport = EmbeddedTransport(device: device, memory: GuestAddressSpace())
        await withTaskGroup(of: Void.self) { group in
            for seed in 0..<4 {
                group.addTask {
                    var generator = SeededGenerator(seed: UInt64(seed))
                    for _ in 0..<500 {
                        if Bool.random(using: &generator) {
                            transport.start(accepting: Feature.version1, queues: [])
                        }
                        _ = transport.core.readConfiguration(at: 0, byteCount: 8)
                        transport.core.writeQueueVector(UInt16.random(in: 0...3, using: &generator))
                        transport.core.writeStatus(0)
                    }
                }
            }
        }
        transport.core.writeStatus(0)
        #expect(transport.core.status == [])
        let (starts, ends) = device.record.withLock { ($0.activations.count, $0.deactivationCount) }
        #expect(starts == ends)
        #expect(transport.start(accepting: Feature.version1, queues: []).rawValue == 15)
    }
}
