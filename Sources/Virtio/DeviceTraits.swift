/// What a device is, whatever transport carries it: all that a transport has to know to show it to a driver.
public struct DeviceTraits: Equatable, Sendable {
    /// The device ID of virtio 1.3, section 5, such as 27 for persistent memory.
    public let deviceID: UInt16
    /// What a PCI function says that it is: base class, subclass and programming interface in 24 bits.
    public let pciClassCode: UInt32
    /// The device's own feature bits (0 to 23 and 50 on). The transport and the queues add theirs.
    public let features: UInt64
    /// The largest size of each queue, in descriptors, a power of two.
    public let maximumQueueSizes: [UInt16]
    /// The number (shmid) of the device's shared memory region (section 2.10); nil for a device that has none.
    public let sharedMemoryRegionID: UInt8?

    /// - Parameter pciClassCode: by default "unclassified device, other", which says nothing.
    public init(
        deviceID: UInt16, pciClassCode: UInt32 = 0x00ff00, features: UInt64 = 0, maximumQueueSizes: [UInt16],
        sharedMemoryRegionID: UInt8? = nil
    ) {
        self.deviceID = deviceID
        self.pciClassCode = pciClassCode
        self.features = features
        self.maximumQueueSizes = maximumQueueSizes
        self.sharedMemoryRegionID = sharedMemoryRegionID
    }
}
