public import GuestMemory
public import Host
public import PCI

/// A virtio device as a PCI function, modern drivers only (virtio 1.3, section 4.1).
///
/// It owns the function's registers and nothing around it: the machine or a vfio-user session puts `function` on a bus,
/// lets BAR accesses reach the BARs' contents, and registers `doorbells` wherever BAR 2 happens to be.
///
/// While the driver forbids bus mastering the device may not touch memory: interrupts stay pending, and forbidding it
/// resets a running device. The specification leaves this to PCI.
public final class PCITransport: Sendable {
    /// A place in a BAR where a store means that a queue has work.
    public struct Doorbell: Sendable {
        /// The BAR's index, 0 to 5.
        public let bar: Int
        /// In the BAR, in bytes.
        public let offset: UInt64
        /// The width of the stores that count; 0 for every width.
        public let byteCount: Int
        /// Signalled by KVM or by the monitor, whichever sees the store.
        public let eventFD: EventFD
    }

    /// A shared memory region of the device, alone in its BAR (virtio 1.3, section 2.10).
    public struct SharedMemory: Sendable {
        public let bar: BaseAddressRegister
        /// Where the region begins in the BAR, in bytes.
        public let offset: UInt64
        /// The region's size in bytes.
        public let byteCount: UInt64

        public init(bar: BaseAddressRegister, offset: UInt64 = 0, byteCount: UInt64) {
            self.bar = bar
            self.offset = offset
            self.byteCount = byteCount
        }
    }

    /// What the bus sees.
    public let function: Function
    /// The status machine behind the registers.
    public let core: TransportCore
    /// One vector for configuration changes and one for each queue.
    public let interrupts: MessageSignalledInterrupts
    /// One for each queue, in their order.
    public let doorbells: [Doorbell]
    private let configurationAccess: PCIConfigurationAccess

    /// - Parameters:
    ///   - ringFeatures: of `Feature`, what to offer beside the device's own bits.
    ///   - sharedMemory: where the shared memory region of the device's traits lies.
    ///   - sink: told which message each vector has.
    ///   - activationFailed: called when the device could not start.
    ///   - interruptLine: makes the line that sends a vector's message; called once for each vector.
    /// - Throws: `invalidVectorCount` for a device of more than 2047 queues, `overlappingBAR` for a shared memory
    ///   region in BAR 0 or 2, `noRoomForCapability`.
    public init(
        device: any VirtioDevice, memory: GuestAddressSpace,
        ringFeatures: UInt64 = Feature.defaultRingFeatures, sharedMemory: SharedMemory? = nil,
        sink: any InterruptMessageSink, activationFailed: @escaping @Sendable (any Error) -> Void = { _ in },
        interruptLine: (_ vector: Int) -> any InterruptLine
    ) throws(ConfigurationError) {
        let traits = device.traits
        let queueCount = traits.maximumQueueSizes.count
        interrupts = try MessageSignalledInterrupts(vectorCount: queueCount + 1, sink: sink)
        core = TransportCore(
            device: device, memory: memory, ringFeatures: ringFeatures, vectorCount: queueCount + 1,
            activationFailed: activationFailed, interruptLine: interruptLine)
        let layout = PCILayout(queueCount: queueCount, interrupts: interrupts)
        let interruptBlock = Self.interruptBlock(interrupts, layout)
        let structureBlock = Self.structureBlock(core, layout)
        configurationAccess = PCIConfigurationAccess(
            blocks: [PCILayout.interruptBAR: interruptBlock, PCILayout.structureBAR: structureBlock])
        doorbells = device.doorbells.prefix(queueCount).enumerated().map { index, eventFD in
            Doorbell(
                bar: PCILayout.structureBAR,
                offset: layout.notification.offset + UInt64(index) * PCINotification.multiplier,
                byteCount: 0, eventFD: eventFD)
        }
        var bars = [
            try BaseAddressRegister(
                index: PCILayout.interruptBAR, byteCount: layout.interruptBARByteCount, width: .bits32,
                contents: interruptBlock),
            try BaseAddressRegister(
                index: PCILayout.structureBAR, byteCount: layout.structureBARByteCount, width: .bits32,
                contents: structureBlock),
        ]
        if let sharedMemory { bars.append(sharedMemory.bar) }
        function = try Function(
            Self.identity(traits), bars: bars,
            capabilities: Self.capabilities(
                layout, configurationAccess, Self.sharedMemoryCapability(traits, sharedMemory)),
            interrupts: MessageSignalledInterruptsPlacement(
                interrupts: interrupts, bar: PCILayout.interruptBAR, tableOffset: 0,
                pendingBitsOffset: UInt32(truncatingIfNeeded: layout.pendingBitsOffset)))
        function.attach(self)
    }

    /// Resets the function and the device behind it, as a reset of the machine does.
    ///
    /// - Parameter completion: called when the device's work has ended, on whichever thread that happens.
    public func reset(_ completion: @escaping @Sendable () -> Void) {
        function.reset()
        core.reset(completion)
    }
}

// MARK: - What the device side hears of configuration space

extension PCITransport: FunctionDevice {
    public func busMasterChanged(to isBusMaster: Bool) {
        if !isBusMaster, core.status.contains(.driverOK) { core.reset() }
    }

    public func functionWasReset() {
        configurationAccess.reset()
        core.reset()
    }
}

// MARK: - Construction

extension PCITransport {
    /// Section 4.1.2.1: vendor and device identifier of a device that is no transitional one, revision 1 or higher.
    private static func identity(_ traits: DeviceTraits) -> Identity {
        Identity(
            vendor: 0x1af4, device: 0x1040 &+ traits.deviceID, revision: 1, classCode: traits.pciClassCode,
            subsystemVendor: 0x1af4, subsystem: 0x1100)
    }

    private static func interruptBlock(
        _ interrupts: MessageSignalledInterrupts, _ layout: PCILayout
    ) -> RegisterBlockMap {
        RegisterBlockMap([
            .init(offset: 0, byteCount: UInt64(interrupts.tableByteCount), block: interrupts.table),
            .init(
                offset: layout.pendingBitsOffset, byteCount: UInt64(interrupts.pendingBitsByteCount),
                block: interrupts.pendingBits),
        ])
    }

    private static func structureBlock(_ core: TransportCore, _ layout: PCILayout) -> RegisterBlockMap {
        let blocks: [(PCICapability.Place, any RegisterBlock)] = [
            (layout.common, PCICommonConfiguration(core: core)),
            (layout.interruptStatus, PCIInterruptStatus(core: core)),
            (layout.device, PCIDeviceConfiguration(core: core)),
            (layout.notification, PCINotification(core: core)),
        ]
        return RegisterBlockMap(
            blocks.map { place, block in .init(offset: place.offset, byteCount: place.byteCount, block: block) })
    }

    private static func capabilities(
        _ layout: PCILayout, _ configurationAccess: PCIConfigurationAccess, _ sharedMemory: Capability?
    ) -> [Capability] {
        [
            PCICapability.structure(.common, at: layout.common),
            PCICapability.structure(.interruptStatus, at: layout.interruptStatus),
            PCICapability.structure(.device, at: layout.device),
            PCICapability.structure(
                .notification, at: layout.notification,
                extra: PCICapability.littleEndian32(PCINotification.multiplier)),
        ] + (sharedMemory.map { [$0] } ?? []) + [PCICapability.configurationAccess(configurationAccess)]
    }

    private static func sharedMemoryCapability(_ traits: DeviceTraits, _ region: SharedMemory?) -> Capability? {
        guard let region, let identifier = traits.sharedMemoryRegionID else { return nil }
        return PCICapability.sharedMemory(region, identifier: identifier)
    }
}
