public import Host
public import Options

/// `memory-backend-ram`: zeroed memory of this process, gone with the machine.
public final class RAMBackend: MemoryBackend {
    public let memoryOptions: MemoryOptions
    public let byteCount: UInt64
    public let warnings: [MemoryBackendWarning]
    public let mapping: HostMapping

    public var id: String { memoryOptions.id }
    public var reachesFile: Bool { false }

    public init(_ options: RAMBackendOptions) throws(MemoryBackendError) {
        guard options.byteCount > 0 else { throw .sizeIsZero(type: options.type) }
        byteCount = try roundedUp(options.byteCount, toPage: 4096)
        mapping = try Self.map(options, byteCount)
        try options.memory.preallocate(mapping, id: options.id)
        memoryOptions = options.memory
        warnings = sizeWarnings(id: options.id, given: options.byteCount, used: byteCount)
    }

    private static func map(_ options: RAMBackendOptions, _ byteCount: UInt64) throws(MemoryBackendError) -> HostMapping
    {
        if options.isShared {
            var memory = MemfdBackendOptions(id: options.id, byteCount: byteCount)
            memory.memory = options.memory
            memory.memory.byteCount = byteCount
            return try MemoryFile.make(memory).mapping
        }
        do throws(SystemCallError) {
            let mapping = try HostMapping(
                .anonymous(reserve: options.memory.reserves), byteCount: Int(clamping: byteCount),
                alignment: Int(clamping: naturalAlignment(ofByteCount: byteCount)))
            try? mapping.preferHugePages()
            options.memory.advise(mapping, isPrivate: true)
            return mapping
        } catch {
            throw .cannotSetUpMemory(id: options.id, byteCount: byteCount, reason: error.errno)
        }
    }

    public func synchronize() {}
}
