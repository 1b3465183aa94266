public import Host
public import Options
import Synchronization

/// `memory-backend-file`: memory that is a file of the host, or a private copy of one.
public final class FileBackend: MemoryBackend {
    /// As they were given.
    public let options: FileBackendOptions
    public let byteCount: UInt64
    /// Whether a lock keeps a second user away from the file.
    public let isLocked: Bool
    public let warnings: [MemoryBackendWarning]
    public let mapping: HostMapping
    public let alignment: UInt64
    public let reachesFile: Bool
    public let powerCutTest: PowerCutTest?
    private let file: BackingFile
    /// What other processes get, once one is to get it.
    private let sharedFile = Mutex<SharedDescriptor?>(nil)

    public var id: String { options.id }
    public var memoryOptions: MemoryOptions { options.memory }
    public var path: String? { options.path }

    /// Opens, locks, sizes and maps the file. On an error the disk is as it was.
    public init(_ options: FileBackendOptions) throws(MemoryBackendError) {
        try options.check()
        let file = try BackingFile(path: options.path, readOnly: options.opensReadOnly)
        let (isLocked, lockWarning) = try file.lock(for: options)
        let wasEmpty = try file.byteCount() == 0
        let memory: MappedFile
        do throws(MemoryBackendError) {
            memory = try MappedFile(file, options)
            powerCutTest = options.isPowerCutTest ? try Self.makePowerCutTest(file, memory, options) : nil
        } catch {
            file.undo(wasEmpty: wasEmpty, isLocked: isLocked)
            throw error
        }
        warnings =
            [lockWarning, file.synchronizeName()].compactMap { $0 }
            + sizeWarnings(id: options.id, given: options.byteCount, used: memory.byteCount)
        (mapping, alignment, reachesFile) = (memory.mapping, memory.alignment, options.reachesFile)
        (byteCount, self.isLocked, self.options) = (memory.byteCount, isLocked, options)
        self.file = file
    }

    private static func makePowerCutTest(
        _ file: borrowing BackingFile, _ memory: MappedFile, _ options: FileBackendOptions
    ) throws(MemoryBackendError) -> PowerCutTest {
        do throws(SystemCallError) {
            let pages = BackingPages(try file.descriptor.duplicate(), path: file.path, offset: options.offset)
            return PowerCutTest(memory: memory.mapping, file: pages)
        } catch { throw .cannotOpen(path: file.path, reason: error.errno) }
    }

    /// One `fdatasync` of the file; in a power-cut test the stores are written first.
    ///
    /// A guest's stores are in the page cache already, and the kernel knows which pages they made dirty: a page that
    /// was written back is write-protected, in the guest's page tables too, until the next store. So synchronizing the
    /// descriptor covers the mapping, and `msync` would add a walk over the addresses and nothing else. `fdatasync`
    /// writes the metadata that finding the data again needs, such as the blocks of filled holes, and leaves out
    /// times; the size was made durable when the file was made.
    public func synchronize() throws(SystemCallError) {
        if let powerCutTest { return try powerCutTest.flush() }
        guard reachesFile else { return }
        do throws(SystemCallError) {
            try file.descriptor.synchronizeData()
        } catch {
            throw SystemCallError(call: error.call, subject: file.path, errno: error.errno)
        }
    }

    /// A file that was opened for reading alone is handed out for reading alone.
    public func shareableFile() throws(SystemCallError) -> ShareableFile? {
        guard options.isShared || options.isROM else { return nil }
        let shared = try sharedFile.withLock { (shared) throws(SystemCallError) in
            if let shared { return shared }
            let file = SharedDescriptor(
                try file.reopenForSharing(isLocked: isLocked, readOnly: options.opensReadOnly))
            shared = file
            return file
        }
        return ShareableFile(descriptor: shared, offset: options.offset)
    }

    public var requiredFileByteCount: UInt64? { options.offset + byteCount }

    public func currentFileByteCount() -> UInt64? { try? file.byteCount() }

    public func watch(by watch: FileWatch) throws(SystemCallError) { try watch.add(file.descriptor) }

    public func pageCacheUsage() -> PageCacheUsage? {
        do throws(SystemCallError) {
            return try file.descriptor.pageCacheUsage(offset: options.offset, byteCount: byteCount)
        } catch {
            return mapping.residentByteCount().map { PageCacheUsage(resident: $0, dirty: nil) }
        }
    }

    public func discardIfAsked() {
        // Only the part that the memory shows, as blocks of the file; other memory goes with the mapping anyway.
        if options.discardsData, reachesFile { try? mapping.discard(freeingBlocks: true) }
    }

    deinit { discardIfAsked() }
}

/// A backing file in memory, sized and mapped as the options say.
private struct MappedFile {
    let mapping: HostMapping
    let byteCount: UInt64
    let alignment: UInt64

    init(_ file: borrowing BackingFile, _ options: FileBackendOptions) throws(MemoryBackendError) {
        let system = try Self.fileSystem(of: file)
        if options.isPowerCutTest {
            if system.isHugeTLB { throw .noPowerCutTest(.hugePages(path: file.path)) }
            if file.origin == .unnamed { throw .noPowerCutTest(.unnamedFile(directory: file.path)) }
        }
        let page = UInt64(system.pageByteCount)
        try options.checkMultiples(ofPage: page)
        byteCount = try roundedUp(options.byteCount, toPage: page)
        alignment = max(options.alignment, naturalAlignment(ofByteCount: byteCount), page)
        try file.fit(size: byteCount, offset: options.offset, readOnly: options.opensReadOnly)
        mapping = try Self.map(file, options, byteCount, alignment, system)
        if system.isMemory { try? mapping.preferHugePages() }
        options.memory.advise(mapping, isPrivate: !options.isMappedShared)
        if options.memory.preallocates { try preallocate(file, options) }
    }

    private static func fileSystem(of file: borrowing BackingFile) throws(MemoryBackendError) -> FileSystemStatus {
        do throws(SystemCallError) {
            return try file.descriptor.fileSystemStatus()
        } catch {
            throw .cannotOpen(path: file.path, reason: error.errno)
        }
    }

    private static func map(
        _ file: borrowing BackingFile, _ options: FileBackendOptions, _ byteCount: UInt64, _ alignment: UInt64,
        _ system: FileSystemStatus
    ) throws(MemoryBackendError) -> HostMapping {
        // Larger ones find no address anyway.
        let alignment = Int(clamping: min(alignment, 1 << 62))
        do throws(SystemCallError) {
            return try HostMapping(
                .file(
                    file.descriptor.rawValue, offset: options.offset, shared: options.isMappedShared,
                    reserve: options.memory.reserves),
                byteCount: Int(clamping: byteCount), readOnly: options.isROM, alignment: alignment,
                pageByteCount: system.pageByteCount, logsStores: options.isPowerCutTest)
        } catch {
            if system.isHugeTLB, error.errno == .noMemory {
                throw .tooFewHugePages(id: options.id, byteCount: byteCount)
            }
            throw .cannotMapFile(path: file.path, reason: error.errno)
        }
    }

    /// Gives holes their blocks first: only that says plainly that the disk is full.
    private func preallocate(
        _ file: borrowing BackingFile, _ options: FileBackendOptions
    ) throws(MemoryBackendError) {
        do throws(SystemCallError) {
            if options.reachesFile {
                do throws(SystemCallError) {
                    try file.descriptor.allocate(offset: options.offset, byteCount: byteCount)
                } catch  where error.errno == .notSupported {
                    // Populating allocates as well, page by page.
                }
            }
            try mapping.populate()
        } catch {
            throw .cannotPreallocate(subject: file.path, byteCount: byteCount, reason: error.errno)
        }
    }
}
