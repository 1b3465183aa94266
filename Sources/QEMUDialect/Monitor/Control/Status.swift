public import Options

/// A vCPU, for `info cpus`.
public struct ProcessorStatus: Equatable, Sendable {
    /// From 0 on.
    public var index: Int
    /// The host's thread that runs it.
    public var threadID: Int32
    public var socket: Int
    public var die: Int
    /// Within the die.
    public var core: Int
    /// Within the core.
    public var thread: Int

    public init(index: Int, threadID: Int32, socket: Int = 0, die: Int = 0, core: Int? = nil, thread: Int = 0) {
        self.index = index
        self.threadID = threadID
        self.socket = socket
        self.die = die
        self.core = core ?? index
        self.thread = thread
    }

    /// The vCPU of that index; QEMU counts threads fastest, then cores, dies and sockets.
    public init(index: Int, threadID: Int32, in topology: ProcessorTopology) {
        let threads = max(Int(clamping: topology.threads), 1)
        let cores = max(Int(clamping: topology.cores), 1)
        let dies = max(Int(clamping: topology.dies), 1)
        let (core, die) = (index / threads, index / threads / cores)
        self.init(
            index: index, threadID: threadID, socket: die / dies, die: die % dies, core: core % cores,
            thread: index % threads)
    }
}

/// A memory device, for `info memory-devices` and `info pmem`.
public struct MemoryDeviceStatus: Equatable, Sendable {
    /// How the flushes of a backend's guests went.
    public struct Flushes: Equatable, Sendable {
        public var completed: UInt64
        /// Answered with an error.
        public var failed: UInt64
        /// Rounds that answered at least one flush, and the most that one of them answered.
        public var batches: UInt64 = 0
        public var largestBatch: UInt64 = 0
        public var latency = Latency()
        /// Nil: there is none.
        public var limit: FlushLimitOptions?
        /// How often a flush had to wait for the limit.
        public var throttled: UInt64 = 0
        /// The error, such as `EIO`, since which every flush fails; nil: none.
        public var failure: String?
        /// Stores into read-only memory.
        public var droppedStores: UInt64 = 0

        public init(completed: UInt64, failed: UInt64) {
            self.completed = completed
            self.failed = failed
        }
    }

    /// How long the host's syncs took, in nanoseconds.
    public struct Latency: Equatable, Sendable {
        public var count: UInt64 = 0
        public var median: UInt64 = 0
        public var percentile90: UInt64 = 0
        public var percentile99: UInt64 = 0
        public var maximum: UInt64 = 0

        public init() {}
    }

    /// The host's page cache, in bytes.
    public struct PageCache: Equatable, Sendable {
        public var resident: UInt64
        /// What the disk does not have yet; nil where the kernel does not tell.
        public var dirty: UInt64?

        public init(resident: UInt64, dirty: UInt64?) {
            self.resident = resident
            self.dirty = dirty
        }
    }

    /// Nil when it has none.
    public var id: String?
    /// Guest-physical address; nil while the guest has switched its BAR off.
    public var address: UInt64?
    /// In bytes.
    public var size: UInt64
    /// The backend object's id.
    public var memoryBackend: String
    public var slot: PCISlot?
    /// The file that holds the data; nil without one.
    public var path: String?
    /// Whether the guest's flushes make anything durable.
    public var reachesFile: Bool
    /// Whether the guest can only read.
    public var isReadOnly: Bool
    /// The guest was asked to let go, and has not answered yet.
    public var isBeingRemoved: Bool
    /// Nil: not counted.
    public var flushes: Flushes?
    /// Pages that the guest stored into and that the file does not have yet, with `durability=power-cut-test`;
    /// otherwise nil.
    public var unflushedPages: Int?
    /// Nil where the kernel does not tell, or there is no file.
    public var pageCache: PageCache?
    /// The BAR that the memory is; nil for memory at an address that the machine chose.
    public var sharedMemoryBAR: Int?

    public init(
        id: String?, address: UInt64?, size: UInt64, memoryBackend: String, slot: PCISlot?, path: String? = nil,
        reachesFile: Bool = false, isReadOnly: Bool = false, isBeingRemoved: Bool = false, flushes: Flushes? = nil
    ) {
        self.id = id
        self.address = address
        self.size = size
        self.memoryBackend = memoryBackend
        self.slot = slot
        self.path = path
        self.reachesFile = reachesFile
        self.isReadOnly = isReadOnly
        self.isBeingRemoved = isBeingRemoved
        self.flushes = flushes
    }
}

/// A property of a device as `info qtree` shows it.
public struct DeviceProperty: Equatable, Sendable {
    public enum Value: Equatable, Sendable {
        case number(UInt64)
        /// The object of that id.
        case object(String)
    }

    public let name: String
    public let value: Value

    public init(_ name: String, _ value: Value) {
        self.name = name
        self.value = value
    }
}

/// A PCI function on bus 0, for `info pci`.
public struct PCIFunctionStatus: Equatable, Sendable {
    /// A base address register that is in use.
    public struct Region: Equatable, Sendable {
        public var bar: Int
        public var isMemory: Bool
        public var is64Bit: Bool
        public var isPrefetchable: Bool
        /// In bytes.
        public var size: UInt64
        /// Guest-physical address, or port; nil while it decodes nothing.
        public var address: UInt64?

        public init(
            bar: Int, isMemory: Bool = true, is64Bit: Bool, isPrefetchable: Bool, size: UInt64, address: UInt64?
        ) {
            self.bar = bar
            self.isMemory = isMemory
            self.is64Bit = is64Bit
            self.isPrefetchable = isPrefetchable
            self.size = size
            self.address = address
        }
    }

    public var slot: PCISlot
    /// Base class and subclass, such as 0x0600.
    public var classCode: UInt16
    public var vendor: UInt16
    public var device: UInt16
    public var subsystemVendor: UInt16
    public var subsystem: UInt16
    /// The id that the user gave.
    public var id: String?
    public var regions: [Region]
    /// The device's model, such as `virtio-rng-pci`; nil for a function of the board.
    public var model: String?
    /// What the device was made of, for `info qtree`.
    public var properties: [DeviceProperty] = []

    public init(
        slot: PCISlot, classCode: UInt16, vendor: UInt16, device: UInt16, subsystemVendor: UInt16 = 0,
        subsystem: UInt16 = 0, id: String? = nil, regions: [Region] = []
    ) {
        self.slot = slot
        self.classCode = classCode
        self.vendor = vendor
        self.device = device
        self.subsystemVendor = subsystemVendor
        self.subsystem = subsystem
        self.id = id
        self.regions = regions
    }

    /// What the class is called; nil for one that has no name here.
    public var className: String? {
        switch classCode {
        case 0x0600: "Host bridge"
        case 0x0601: "ISA bridge"
        case 0x0604: "PCI bridge"
        case 0x0680: "Bridge"
        default: nil
        }
    }
}
