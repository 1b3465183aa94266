/// What a memory backend is, for `info memdev`.
public struct MemoryBackendDescription: Equatable, Sendable {
    /// The object's type; the raw value is its name on the command line.
    public enum Kind: String, Equatable, Sendable {
        case file = "memory-backend-file"
        case ram = "memory-backend-ram"
        case memfd = "memory-backend-memfd"
    }

    public var kind: Kind
    public var id: String
    /// In bytes.
    public var byteCount: UInt64
    /// The path that was given; nil without a file.
    public var path: String?
    public var isShared = false
    /// Whether the file was opened for reading only.
    public var opensReadOnly = false
    /// Whether nobody can store into the memory.
    public var isROM = false
    /// Where in the file the memory starts, in bytes.
    public var offset: UInt64 = 0
    public var discardsData = false
    public var durability = FileDurability.synchronized
    /// Whether a lock keeps a second user away from the file.
    public var isLocked = false
    public var memory = MemoryOptions()

    public init(kind: Kind, id: String, byteCount: UInt64) {
        self.kind = kind
        self.id = id
        self.byteCount = byteCount
    }
}
