/// A virtio-pmem-pci device as it was asked for.
public struct VirtioPMemOptions: DeviceOptions {
    public static let model = "virtio-pmem-pci"

    public var pci: VirtioPCIOptions
    /// `memdev`: the id of the memory-backend object that holds the data.
    public var memoryBackend: String
    /// `memaddr`: guest-physical address of the memory; 0 lets the machine choose.
    public var memoryAddress: UInt64 = 0
    /// `x-shmem`: the memory is a BAR, which the guest places, and the device offers it as shared memory region 0.
    public var offersSharedMemoryRegion = false
    /// `x-needletail-queue-size`: the largest queue that the driver may use, in descriptors, a power of two from 2 to
    /// 1024.
    public var queueSize: UInt16 = 128
    /// `x-needletail-flush-rate` and `x-needletail-flush-burst`: how often the host's file may be synchronized.
    public var flushLimit = FlushLimitOptions(rate: 0)

    public init(memoryBackend: String, pci: VirtioPCIOptions = VirtioPCIOptions()) {
        self.memoryBackend = memoryBackend
        self.pci = pci
    }

    public var objects: [ObjectReference] {
        [ObjectReference(property: "memdev", id: memoryBackend, interface: "memory-backend", isExclusive: true)]
    }
}

/// How often a device's flushes may synchronize the host's file.
public struct FlushLimitOptions: Equatable, Sendable {
    /// Per second; 0 for no limit.
    public var rate: UInt64
    /// How many may follow each other at once after a pause, as given; 0 for as many as come in a second.
    public var givenBurst: UInt64
    /// How many may follow each other at once after a pause; at least 1.
    public var burst: UInt64 { max(givenBurst > 0 ? givenBurst : rate, 1) }

    /// - Parameter burst: 0 for as many as come in a second.
    public init(rate: UInt64, burst: UInt64 = 0) {
        self.rate = rate
        givenBurst = burst
    }
}
