import Options

// What the options of memory-backend-file mean together.

extension FileBackendOptions {
    /// Whether stores reach the file, at once or with a flush.
    var reachesFile: Bool { isShared && !opensReadOnly }

    /// Whether stores reach the file at once.
    var isMappedShared: Bool { isShared && !isPowerCutTest }

    /// Refuses what is wrong whatever the file is.
    func check() throws(MemoryBackendError) {
        guard byteCount > 0 else { throw .sizeIsZero(type: type) }
        if rom == .on, !opensReadOnly { throw .romOverWritableFile }
        if rom == .off, opensReadOnly, isShared { throw .writableMemoryOverSharedReadOnlyFile }
        if isPowerCutTest { try checkPowerCutTest() }
        try checkMultiples(ofPage: 4096)
        guard alignment & (alignment &- 1) == 0 else { throw .alignmentNotPowerOfTwo(alignment: alignment) }
        _ = try roundedUp(byteCount, toPage: 4096)
    }

    private func checkPowerCutTest() throws(MemoryBackendError) {
        if opensReadOnly { throw .noPowerCutTest(.readOnly) }
        if !isShared { throw .noPowerCutTest(.notShared) }
        if discardsData { throw .noPowerCutTest(.discardsData) }
    }

    /// - Parameter page: the page size in bytes, which depends on the file system.
    func checkMultiples(ofPage page: UInt64) throws(MemoryBackendError) {
        guard alignment % page == 0 else { throw .alignmentNotPageMultiple(alignment: alignment, pageByteCount: page) }
        guard offset % page == 0 else { throw .offsetNotPageMultiple(offset: offset, pageByteCount: page) }
    }
}
