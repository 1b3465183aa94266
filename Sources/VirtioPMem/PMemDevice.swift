public import GuestMemory
public import Host
public import Virtio

/// The persistent memory device (virtio 1.3, section 5.19), whichever front-end carries it.
public final class PMemDevice: VirtioDevice {
    /// VIRTIO_PMEM_F_SHMEM_REGION (section 5.19.3): the range is shared memory region 0 of the transport.
    public static let sharedMemoryRegionFeature: UInt64 = 1 << 0
    /// The id of that region (section 5.19.5.1).
    private static let sharedMemoryRegionID: UInt8 = 0

    public let traits: DeviceTraits
    public let doorbells: [EventFD]

    /// What flushes mean, and what has come of them.
    public let durability: Durability
    private let location: @Sendable () -> GuestRange?
    private let worker: QueueWorker

    /// - Parameters:
    ///   - id: the name that a person gave the device; its thread bears it.
    ///   - offersSharedMemoryRegion: whether the transport shows `range` as shared memory region 0.
    ///   - maximumQueueSize: in descriptors, a power of two.
    ///   - onEvent: called from the device's thread.
    /// - Throws: when the host has no eventfd left.
    public convenience init(
        id: String, durability: Durability, range: GuestRange, offersSharedMemoryRegion: Bool = false,
        maximumQueueSize: UInt16 = 128,
        onEvent: @escaping @Sendable (PMemEvent) -> Void = { _ in }
    ) throws(SystemCallError) {
        try self.init(
            id: id, durability: durability, location: { range }, offersSharedMemoryRegion: offersSharedMemoryRegion,
            maximumQueueSize: maximumQueueSize,
            service: { (rounds) throws(QueueError) in try rounds.serve() }, onEvent: onEvent)
    }

    /// A device whose storage is in a BAR.
    ///
    /// - Parameter location: where that is now, nil while the BAR is off. Drivers that know no shared memory regions
    ///   (Linux before 6.8) read it once.
    public convenience init(
        id: String, durability: Durability, location: @escaping @Sendable () -> GuestRange?,
        maximumQueueSize: UInt16 = 128,
        onEvent: @escaping @Sendable (PMemEvent) -> Void = { _ in }
    ) throws(SystemCallError) {
        try self.init(
            id: id, durability: durability, location: location, offersSharedMemoryRegion: true,
            maximumQueueSize: maximumQueueSize,
            service: { (rounds) throws(QueueError) in try rounds.serve() }, onEvent: onEvent)
    }

    package init(
        id: String, durability: Durability, location: @escaping @Sendable () -> GuestRange?,
        offersSharedMemoryRegion: Bool,
        maximumQueueSize: UInt16, service: @escaping QueueWorker.Service,
        onEvent: @escaping @Sendable (PMemEvent) -> Void
    ) throws(SystemCallError) {
        self.durability = durability
        self.location = location
        traits = DeviceTraits(
            deviceID: 27, features: offersSharedMemoryRegion ? Self.sharedMemoryRegionFeature : 0,
            maximumQueueSizes: [maximumQueueSize],
            sharedMemoryRegionID: offersSharedMemoryRegion ? Self.sharedMemoryRegionID : nil)
        worker = try QueueWorker(
            name: "pmem \(id)", service: service, onEvent: { onEvent(.queue($0)) },
            makeHandler: { FlushHandler(durability, onEvent: onEvent) })
        doorbells = [worker.doorbell]
    }

    /// `le64 start; le64 size` (section 5.19.4); zero once the range is a shared memory region (section 5.19.5.1).
    public func configuration(acceptedFeatures: UInt64) -> [UInt8] {
        let isRegion = acceptedFeatures & Self.sharedMemoryRegionFeature != 0
        let range = isRegion ? nil : location()
        return [range?.start.rawValue ?? 0, range?.byteCount ?? 0].flatMap { field in
            (0..<8).map { UInt8(truncatingIfNeeded: field >> ($0 * 8)) }
        }
    }

    /// Nothing in the configuration can be written.
    public func writeConfiguration(_ value: UInt64, byteCount: Int, at offset: Int) {}

    /// Without its queue the device is plain memory.
    public func activate(_ activation: Activation) throws { try worker.start(activation, queue: 0) }

    public func deactivate(_ completion: @escaping @Sendable () -> Void) { worker.stop(completion) }
}
