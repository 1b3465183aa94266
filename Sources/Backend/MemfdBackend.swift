public import Host
public import Options
import SystemPackage

/// `memory-backend-memfd`: a file without a name, in memory, gone with its last holder.
public final class MemfdBackend: MemoryBackend {
    public let memoryOptions: MemoryOptions
    public let warnings: [MemoryBackendWarning]
    public let alignment: UInt64
    private let file: MemoryFile

    public var id: String { memoryOptions.id }
    public var byteCount: UInt64 { UInt64(clamping: file.mapping.byteCount) }
    public var mapping: HostMapping { file.mapping }
    /// Stores reach a file, but none that outlives the machine.
    public var reachesFile: Bool { false }

    public init(_ options: MemfdBackendOptions) throws(MemoryBackendError) {
        guard options.byteCount > 0 else { throw .sizeIsZero(type: options.type) }
        file = try MemoryFile.make(options)
        try options.memory.preallocate(file.mapping, id: options.id)
        alignment = file.alignment
        memoryOptions = options.memory
        warnings = sizeWarnings(
            id: options.id, given: options.byteCount, used: UInt64(clamping: file.mapping.byteCount))
    }

    /// It has no lock to lose, and its seals forbid every other harm.
    public func shareableFile() throws(SystemCallError) -> ShareableFile? {
        guard memoryOptions.isShared else { return nil }
        return ShareableFile(descriptor: SharedDescriptor(try file.descriptor.duplicate()), offset: 0)
    }

    public func synchronize() {}

    public func currentFileByteCount() -> UInt64? { (try? file.descriptor.status())?.byteCount }
}

/// A memory file, sized, sealed and mapped.
struct MemoryFile: ~Copyable, Sendable {
    let descriptor: OwnedDescriptor
    let mapping: HostMapping
    let alignment: UInt64

    static func make(_ options: MemfdBackendOptions) throws(MemoryBackendError) -> MemoryFile {
        try options.checkHugePageSize()
        let file = try Self.open(options)
        let page = try options.translatingErrors { () throws(SystemCallError) in
            try file.fileSystemStatus().pageByteCount
        }
        let byteCount = try options.byteCount(inPages: UInt64(clamping: page))
        let alignment = max(naturalAlignment(ofByteCount: byteCount), UInt64(clamping: page))
        try options.translatingErrors { () throws(SystemCallError) in
            try file.resize(to: byteCount)
            if options.isSealed { try file.sealSize() }
        }
        let mapping = try options.translatingErrors { () throws(SystemCallError) in
            try HostMapping(
                .file(file.rawValue, offset: 0, shared: options.isShared, reserve: options.memory.reserves),
                byteCount: Int(clamping: byteCount), alignment: Int(clamping: alignment), pageByteCount: page,
                isSealed: options.pagesAreAlwaysThere)
        }
        if !options.usesHugePages { try? mapping.preferHugePages() }
        options.memory.advise(mapping, isPrivate: !options.isShared)
        return MemoryFile(descriptor: file, mapping: mapping, alignment: alignment)
    }

    private static func open(_ options: MemfdBackendOptions) throws(MemoryBackendError) -> OwnedDescriptor {
        do throws(SystemCallError) {
            return try OwnedDescriptor(
                memoryFileNamed: "memory-backend", allowsSealing: options.isSealed,
                hugePageByteCount: options.usesHugePages ? options.hugePageByteCount : nil)
        } catch {
            throw options.reason(error)
        }
    }
}

extension MemfdBackendOptions {
    fileprivate func checkHugePageSize() throws(MemoryBackendError) {
        guard usesHugePages, hugePageByteCount > 0 else { return }
        guard hugePageByteCount & (hugePageByteCount - 1) == 0, hugePageByteCount >= 4096 else {
            throw .hugePageSizeNotPowerOfTwo(byteCount: hugePageByteCount)
        }
    }

    /// The size in bytes. Ordinary pages are filled up; huge ones are too dear for that.
    fileprivate func byteCount(inPages page: UInt64) throws(MemoryBackendError) -> UInt64 {
        guard !usesHugePages || byteCount % page == 0 else {
            throw .sizeNotHugePageMultiple(byteCount: byteCount, pageByteCount: page)
        }
        return try roundedUp(byteCount, toPage: page)
    }

    /// Huge pages that were not reserved may be used up when they are needed.
    fileprivate var pagesAreAlwaysThere: Bool { isSealed && (!usesHugePages || memory.reserves) }

    fileprivate func translatingErrors<Result>(
        _ body: () throws(SystemCallError) -> Result
    ) throws(MemoryBackendError) -> Result {
        do throws(SystemCallError) { return try body() } catch { throw reason(error) }
    }

    fileprivate func reason(_ error: SystemCallError) -> MemoryBackendError {
        if usesHugePages, error.errno == .noMemory { return .tooFewHugePages(id: id, byteCount: byteCount) }
        return .cannotSetUpMemory(id: id, byteCount: byteCount, reason: error.errno)
    }
}
