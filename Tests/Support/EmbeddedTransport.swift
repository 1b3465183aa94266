public import GuestMemory
import Synchronization
public import Virtio

/// A transport without a bus: the driver is the caller, and neither KVM nor PCI is needed.
public final class EmbeddedTransport: Sendable {
    /// Every register, to be driven step by step.
    public let core: TransportCore
    private let lines: [CountingLine]

    /// What the driver sets up for one queue.
    public struct Queue: Sendable {
        public let size: UInt16
        public let descriptorArea: GuestAddress
        public let driverArea: GuestAddress
        public let deviceArea: GuestAddress

        public init(
            size: UInt16, descriptorArea: GuestAddress, driverArea: GuestAddress, deviceArea: GuestAddress
        ) {
            self.size = size
            self.descriptorArea = descriptorArea
            self.driverArea = driverArea
            self.deviceArea = deviceArea
        }
    }

    /// Vector 0 is for configuration changes, vector n + 1 for queue n.
    public init(
        device: any VirtioDevice, memory: GuestAddressSpace, ringFeatures: UInt64 = Feature.defaultRingFeatures
    ) {
        let lines = (0...device.traits.maximumQueueSizes.count).map { _ in CountingLine() }
        self.lines = lines
        core = TransportCore(
            device: device, memory: memory, ringFeatures: ringFeatures, vectorCount: lines.count
        ) { lines[$0] }
    }

    /// How many interrupts a vector has had.
    public func interruptCount(vector: Int) -> Int {
        lines.indices.contains(vector) ? lines[vector].count : 0
    }

    /// Initializes the device as a driver does (virtio 1.3, section 3.1.1).
    ///
    /// - Returns: the status afterwards; with DRIVER_OK and without DEVICE_NEEDS_RESET if all went well.
    @discardableResult
    public func start(accepting features: UInt64, queues: [Queue]) -> DeviceStatus {
        raise(.acknowledge)
        raise(.driver)
        for word: UInt32 in 0...1 {
            core.selectDriverFeatures(word)
            core.writeDriverFeatures(UInt32(truncatingIfNeeded: features >> (UInt64(word) &* 32)))
        }
        raise(.featuresOK)
        core.writeConfigurationVector(0)
        for (index, queue) in queues.enumerated() { setUp(queue, index: UInt16(truncatingIfNeeded: index)) }
        raise(.driverOK)
        return core.status
    }

    private func raise(_ bit: DeviceStatus) { core.writeStatus(core.status.union(bit).rawValue) }

    private func setUp(_ queue: Queue, index: UInt16) {
        core.selectQueue(index)
        core.writeQueueSize(queue.size)
        core.writeQueueAddress(.descriptor, queue.descriptorArea.rawValue)
        core.writeQueueAddress(.driver, queue.driverArea.rawValue)
        core.writeQueueAddress(.device, queue.deviceArea.rawValue)
        core.writeQueueVector(index &+ 1)
        core.writeQueueEnable(1)
    }
}

/// Counts its signals.
private final class CountingLine: InterruptLine {
    private let signals = Atomic<Int>(0)

    var count: Int { signals.load(ordering: .sequentiallyConsistent) }

    func signal() { signals.wrappingAdd(1, ordering: .sequentiallyConsistent) }
}
