/// A property with QEMU's values `auto`, `on` and `off`.
public enum AutomaticSwitch: String, Equatable, Sendable {
    case automatic = "auto"
    case on
    case off
}

/// `durability` of a memory-backend-file: when the guest's stores reach the file.
public enum FileDurability: String, CaseIterable, Sendable {
    /// At once, in the host's page cache; a flush synchronizes it.
    case synchronized = "fsync"
    /// With a flush, and by nothing else (``PowerCutTest``).
    case powerCutTest = "power-cut-test"
}

/// What every kind of memory backend can be asked for.
public struct MemoryOptions: Equatable, Sendable {
    /// `prealloc`: every page is made present at the start, and every hole of a shared file gets its blocks.
    public var preallocates = false
    /// `reserve`: the kernel promises swap space for private memory, or refuses at the start.
    public var reserves = true
    /// `merge`: the kernel may merge pages of equal content.
    public var merges = true
    /// `dump`: the memory is part of a core dump.
    public var dumps = true

    public init() {}
}

/// `memory-backend-file`: memory that is a file.
public struct FileBackendOptions: Equatable, Sendable {
    public var id: String
    /// `size`, in bytes.
    public var byteCount: UInt64
    /// `mem-path`: a file, or a directory in which an unnamed file is made.
    public var path: String
    /// `share`: stores reach the file.
    public var isShared = false
    /// `readonly`: the file is opened for reading only.
    public var opensReadOnly = false
    /// `rom`: nobody can store into the memory; automatic follows `readonly`.
    public var rom = AutomaticSwitch.automatic
    /// `align`, in bytes; 0 leaves the choice to the backend.
    public var alignment: UInt64 = 0
    /// `offset` in the file, in bytes.
    public var offset: UInt64 = 0
    /// `discard-data`: the content may be thrown away at the end.
    public var discardsData = false
    /// `locking`: whether the file is locked against a second user. Automatic does without, with a warning, where the
    /// file system cannot lock.
    public var locking = AutomaticSwitch.automatic
    public var durability = FileDurability.synchronized
    public var memory = MemoryOptions()

    public init(id: String, byteCount: UInt64, path: String) {
        self.id = id
        self.byteCount = byteCount
        self.path = path
    }
}

/// `memory-backend-ram`: zeroed memory of the machine's own process.
public struct RAMBackendOptions: Equatable, Sendable {
    public var id: String
    /// `size`, in bytes.
    public var byteCount: UInt64
    /// `share`: the memory is a file without a name, which another process could map.
    public var isShared = false
    public var memory = MemoryOptions()

    public init(id: String, byteCount: UInt64) {
        self.id = id
        self.byteCount = byteCount
    }
}

/// `memory-backend-memfd`: a file without a name, in memory.
public struct MemfdBackendOptions: Equatable, Sendable {
    public var id: String
    /// `size`, in bytes.
    public var byteCount: UInt64
    /// `share`: stores reach the unnamed file.
    public var isShared = true
    /// `hugetlb`: made of huge pages that the host has set aside.
    public var usesHugePages = false
    /// `hugetlbsize`, in bytes; 0 for the host's usual size. Without effect unless `usesHugePages`.
    public var hugePageByteCount: UInt64 = 0
    /// `seal`: nobody can change the file's size.
    public var isSealed = true
    public var memory = MemoryOptions()

    public init(id: String, byteCount: UInt64) {
        self.id = id
        self.byteCount = byteCount
    }
}

/// The options of any kind of memory backend.
public enum BackendOptions: Equatable, Sendable {
    case file(FileBackendOptions)
    case ram(RAMBackendOptions)
    case memfd(MemfdBackendOptions)
}

/// Makes the memory backend that the options describe.
public func makeMemoryBackend(_ options: BackendOptions) throws(MemoryBackendError) -> any MemoryBackend {
    switch options {
    case .file(let options): try FileBackend(options)
    case .ram(let options): try RAMBackend(options)
    case .memfd(let options): try MemfdBackend(options)
    }
}
