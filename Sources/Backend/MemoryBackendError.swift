public import Host
public import SystemPackage

/// Why a memory backend cannot be made. Nothing on disk has changed then.
public enum MemoryBackendError: Error, Equatable, Sendable {
    /// Why `durability=power-cut-test` makes no sense.
    public enum PowerCutObstacle: Equatable, Sendable {
        case notShared, readOnly, discardsData
        /// The file has no name, so it could not be examined afterwards.
        case unnamedFile(directory: String)
        /// Such files cannot be written.
        case hugePages(path: String)
    }

    // The options by themselves.
    /// With the object's type.
    case sizeIsZero(type: String)
    /// Rounded to pages, and with the offset, no file or address space is that large. In bytes.
    case sizeTooLarge(byteCount: UInt64)
    /// `rom=on` without `readonly=on`.
    case romOverWritableFile
    /// `rom=off` with `readonly=on` and `share=on`: stores would have nowhere to go.
    case writableMemoryOverSharedReadOnlyFile
    /// In bytes.
    case alignmentNotPageMultiple(alignment: UInt64, pageByteCount: UInt64)
    case alignmentNotPowerOfTwo(alignment: UInt64)
    /// In bytes.
    case offsetNotPageMultiple(offset: UInt64, pageByteCount: UInt64)
    case hugePageSizeNotPowerOfTwo(byteCount: UInt64)
    /// In bytes.
    case sizeNotHugePageMultiple(byteCount: UInt64, pageByteCount: UInt64)

    case noPowerCutTest(PowerCutObstacle)

    // The file.
    case cannotOpen(path: String, reason: Errno)
    /// The file can be read but not written.
    case cannotOpenForWriting(path: String, reason: Errno)
    case notRegularFile(path: String, kind: FileStatus.Kind)
    case danglingLink(path: String)
    /// `readonly=on` and no file.
    case missingReadOnly(path: String)
    /// `readonly=on` and a directory: an unnamed file would be empty for good.
    case directoryReadOnly(path: String)
    /// The file holds fewer bytes than offset plus size. All in bytes.
    case tooSmall(path: String, actual: UInt64, size: UInt64, offset: UInt64)
    /// Another user has the file; `holder` is its process id, nil where the kernel does not tell.
    case inUse(path: String, holder: CInt?)
    case cannotLock(path: String, reason: Errno)
    case cannotResize(path: String, byteCount: UInt64, reason: Errno)
    case cannotMakeDurable(path: String, reason: Errno)

    // The memory.
    case cannotMapFile(path: String, reason: Errno)
    /// In bytes.
    case cannotPreallocate(subject: String, byteCount: UInt64, reason: Errno)
    case cannotSetUpMemory(id: String, byteCount: UInt64, reason: Errno)
    /// The host has too few huge pages set aside. Sizes in bytes.
    case tooFewHugePages(id: String, byteCount: UInt64)
}
