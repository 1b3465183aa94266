public import GuestMemory
public import Host

/// Tells the driver something: a message-signalled interrupt, an eventfd, a flag in a test.
public protocol InterruptLine: Sendable {
    func signal()
}

/// A virtio device, without its transport: what it is, and what it does once a driver runs it (virtio 1.3, section 2).
///
/// A transport owns the status machine and calls these in this order: any number of configuration accesses, then
/// `activate`, then `deactivate`, and so on. It never calls two of them at once.
public protocol VirtioDevice: AnyObject, Sendable {
    /// What the device is; always the same.
    var traits: DeviceTraits { get }
    /// One per queue; signalled when the driver writes that queue's doorbell, by KVM or by the transport.
    var doorbells: [EventFD] { get }

    /// The device configuration space as the driver reads it, given the features it accepted so far.
    func configuration(acceptedFeatures: UInt64) -> [UInt8]
    /// The driver stores `value`, little-endian, `byteCount` bytes (1, 2, 4 or 8). Offsets are any that the driver
    /// chose.
    func writeConfiguration(_ value: UInt64, byteCount: Int, at offset: Int)

    /// The driver set DRIVER_OK: the device may use the queues from now on.
    func activate(_ activation: Activation) throws
    /// The driver reset the device. Work in flight is let end; nothing touches the rings once `completion` has been
    /// called, from whichever thread that is. The driver reads a status other than 0 until then (section 2.4.1).
    func deactivate(_ completion: @escaping @Sendable () -> Void)
}

/// What a driver set up before DRIVER_OK.
public struct Activation: Sendable {
    /// The guest's memory; rings and buffers lie in it.
    public let memory: GuestAddressSpace
    /// The feature bits that both sides agreed on.
    public let features: UInt64
    /// The queues in order; nil for one that the driver did not enable.
    public let queues: [QueueActivation?]
    /// Called when the driver broke a rule of a queue: the transport sets DEVICE_NEEDS_RESET (section 2.1.2).
    public let needsReset: @Sendable () -> Void
    /// Called when the device configuration space has changed by itself: the transport sends the driver a configuration
    /// change notification (section 2.3). Without effect once the driver has asked for a reset.
    public let configurationChanged: @Sendable () -> Void

    public init(
        memory: GuestAddressSpace, features: UInt64, queues: [QueueActivation?],
        needsReset: @escaping @Sendable () -> Void, configurationChanged: @escaping @Sendable () -> Void
    ) {
        self.memory = memory
        self.features = features
        self.queues = queues
        self.needsReset = needsReset
        self.configurationChanged = configurationChanged
    }
}

/// One queue as the driver set it up, checked by the transport: sizes and alignments hold.
public struct QueueActivation: Sendable {
    /// In descriptors: a power of two for a split ring.
    public let size: UInt16
    /// Guest-physical: the descriptor table, or the packed descriptor ring.
    public let descriptorArea: GuestAddress
    /// Guest-physical: the available ring, or the packed driver event suppression.
    public let driverArea: GuestAddress
    /// Guest-physical: the used ring, or the packed device event suppression.
    public let deviceArea: GuestAddress
    /// Tells the driver that buffers were used.
    public let interrupt: any InterruptLine

    public init(
        size: UInt16, descriptorArea: GuestAddress, driverArea: GuestAddress, deviceArea: GuestAddress,
        interrupt: any InterruptLine
    ) {
        self.size = size
        self.descriptorArea = descriptorArea
        self.driverArea = driverArea
        self.deviceArea = deviceArea
        self.interrupt = interrupt
    }
}
