/// What is asked of a memory backend, whatever its type.
public protocol MemoryBackendOptions: ObjectOptions {
    /// What every memory backend can be asked for.
    var memory: MemoryOptions { get set }
}

extension MemoryBackendOptions {
    public static var interface: String { "memory-backend" }
    public var memoryBackend: (any MemoryBackendOptions)? { self }
    public var id: String {
        get { memory.id }
        set { memory.id = newValue }
    }
    public var byteCount: UInt64 {
        get { memory.byteCount }
        set { memory.byteCount = newValue }
    }
    public var isShared: Bool {
        get { memory.isShared }
        set { memory.isShared = newValue }
    }
}

/// What every memory backend can be asked for.
public struct MemoryOptions: Equatable, Sendable {
    /// The object's name, unique among objects.
    public var id: String
    /// `size`, in bytes.
    public var byteCount: UInt64
    /// `share`: stores reach the file (or the memfd) instead of a private copy.
    public var isShared: Bool
    /// `prealloc`: every page is made present at the start, and every hole of a shared file gets its blocks.
    public var preallocates = false
    /// `reserve`: the kernel promises swap space for private memory, or refuses at the start.
    public var reserves = true
    /// `merge`: the kernel may merge pages of equal content.
    public var merges = true
    /// `dump`: the memory is part of a core dump.
    public var dumps = true

    public init(id: String, byteCount: UInt64, isShared: Bool = false) {
        self.id = id
        self.byteCount = byteCount
        self.isShared = isShared
    }

    /// The machine's RAM, under the name that QEMU gives it on a PC.
    public static func guestRAM(byteCount: UInt64) -> MemoryOptions {
        MemoryOptions(id: "pc.ram", byteCount: byteCount)
    }
}

/// `memory-backend-file`: memory that is a file.
public struct FileBackendOptions: MemoryBackendOptions {
    public static let type = "memory-backend-file"

    public var memory: MemoryOptions
    /// `mem-path`: a file, or a directory in which an unnamed file is made.
    public var path: String
    /// `readonly`: the file is opened for reading only.
    public var opensReadOnly = false
    /// `rom`: the memory is read-only; automatic follows `readonly`.
    public var rom = AutomaticSwitch.automatic
    /// `align`, in bytes; 0 leaves the choice to the backend.
    public var alignment: UInt64 = 0
    /// `offset` in the file, in bytes.
    public var offset: UInt64 = 0
    /// `discard-data`: the content may be thrown away at the end.
    public var discardsData = false
    /// `locking`: whether the file is locked against a second user. Automatic does without, with a warning, where the
    /// file system cannot lock. Ours: QEMU has it for disk images only.
    public var locking = AutomaticSwitch.automatic
    /// `durability`. Ours.
    public var durability = FileDurability.synchronized

    public init(id: String, byteCount: UInt64, path: String) {
        memory = MemoryOptions(id: id, byteCount: byteCount)
        self.path = path
    }

    /// Whether the guest can only read: `rom=auto` follows `readonly`.
    public var isROM: Bool { rom == .automatic ? opensReadOnly : rom == .on }

    public var isPowerCutTest: Bool { durability == .powerCutTest }
}

/// A property with QEMU's values `auto`, `on` and `off`.
public enum AutomaticSwitch: String, CaseIterable, Sendable {
    case automatic = "auto"
    case on
    case off
}

/// `durability` of a memory-backend-file: when the guest's stores reach the file.
public enum FileDurability: String, CaseIterable, Sendable {
    /// At once, in the host's page cache; a flush synchronizes it.
    case synchronized = "fsync"
    /// With a flush, and by nothing else, so that a power cut can be tried out.
    case powerCutTest = "power-cut-test"
}

/// `memory-backend-ram`: zeroed memory of the machine's own process.
public struct RAMBackendOptions: MemoryBackendOptions {
    public static let type = "memory-backend-ram"

    /// `share`: the memory is a file without a name, which another process could map.
    public var memory: MemoryOptions

    public init(id: String, byteCount: UInt64) { memory = MemoryOptions(id: id, byteCount: byteCount) }
}

/// `memory-backend-memfd`: a file without a name, in memory.
public struct MemfdBackendOptions: MemoryBackendOptions {
    public static let type = "memory-backend-memfd"

    /// `share` is on by default.
    public var memory: MemoryOptions
    /// `hugetlb`: made of huge pages that the host has set aside.
    public var usesHugePages = false
    /// `hugetlbsize`, in bytes; 0 for the host's usual size. Without effect unless `usesHugePages`.
    public var hugePageByteCount: UInt64 = 0
    /// `seal`: the file's size cannot be changed.
    public var isSealed = true

    public init(id: String, byteCount: UInt64) {
        memory = MemoryOptions(id: id, byteCount: byteCount, isShared: true)
    }
}
