/// A virtio-pmem-pci device as it was asked for.
public struct VirtioPMemOptions: Equatable, Sendable {
    /// The device's name, unique among devices; nil when it has none.
    public var id: String?
    /// `memdev`: the id of the memory-backend object that holds the data.
    public var memoryBackend: String
    /// `memaddr`: guest-physical address of the memory; 0 lets the machine choose.
    public var memoryAddress: UInt64
    /// `addr`: nil lets the machine choose.
    public var slot: PCISlot?
    /// `packed`: the driver may use a packed virtqueue. Default off, as in QEMU.
    public var offersPackedRing = false
    /// `x-shmem`: the memory is a BAR, which the guest places, and the device offers it as shared memory region 0.
    public var offersSharedMemoryRegion = false
    /// `x-needletail-queue-size`: the largest queue that the driver may use, in descriptors, a power of two from 2 to 1024.
    public var queueSize: UInt16 = 128
    /// `x-needletail-flush-rate` and `x-needletail-flush-burst`: how often the host's file may be synchronized.
    public var flushLimit = FlushLimitOptions(rate: 0)

    /// How messages call the device.
    public var displayName: String { id.map { "device '\($0)'" } ?? "a device without id" }
}

/// How often a device's flushes may synchronize the host's file.
public struct FlushLimitOptions: Equatable, Sendable {
    /// Per second; 0 for no limit.
    public var rate: UInt64
    /// How many may follow each other at once after a pause; at least 1.
    public var burst: UInt64

    /// - Parameter burst: nil for as many as come in a second.
    public init(rate: UInt64, burst: UInt64? = nil) {
        self.rate = rate
        self.burst = max(burst ?? rate, 1)
    }
}
