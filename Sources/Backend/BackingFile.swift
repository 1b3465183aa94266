import Host
import SystemPackage

/// The open file of a memory-backend-file, and how it came to be: what was made for a machine that then does not start
/// is taken away again.
struct BackingFile: ~Copyable, Sendable {
    enum Origin: Equatable {
        /// It was there.
        case existing
        /// It was made under its path.
        case created
        /// It has no name and goes with its descriptor.
        case unnamed
    }

    let descriptor: OwnedDescriptor
    let path: String
    let origin: Origin

    /// Opens the file at a path, or makes one.
    init(path: String, readOnly: Bool) throws(MemoryBackendError) {
        // A name from JSON may hold a NUL, at which the kernel would stop reading.
        guard !path.utf8.contains(0) else { throw .cannotOpen(path: path, reason: .invalidArgument) }
        // Another process may make or remove the file between two steps; a few rounds settle that.
        for _ in 0..<8 {
            guard let status = try Self.look(at: path) else {
                if let descriptor = try Self.create(path, readOnly: readOnly) {
                    self.init(descriptor: descriptor, path: path, origin: .created)
                    return
                }
                continue
            }
            if status.kind == .directory {
                guard !readOnly else { throw .directoryReadOnly(path: path) }
                self.init(descriptor: try Self.openUnnamed(in: path), path: path, origin: .unnamed)
                return
            }
            if let descriptor = try Self.openExisting(path, status, readOnly: readOnly) {
                self.init(descriptor: descriptor, path: path, origin: .existing)
                return
            }
        }
        throw .cannotOpen(path: path, reason: .fileExists)
    }

    private init(descriptor: consuming OwnedDescriptor, path: String, origin: Origin) {
        self.descriptor = descriptor
        self.path = path
        self.origin = origin
    }

    /// Undoes what `init` and `fit` made, unless another process uses the file by now.
    ///
    /// - Parameters:
    ///   - wasEmpty: the file had no content when it was opened.
    ///   - isLocked: whether a lock shows if another process uses the file.
    func undo(wasEmpty: Bool, isLocked: Bool) {
        guard origin == .created || wasEmpty else { return }
        if isLocked, (try? descriptor.lock(.exclusive)) != true { return }
        if origin == .created {
            descriptor.removeName(path)
        } else {
            try? descriptor.resize(to: 0)
        }
    }
}

// MARK: - Opening

extension BackingFile {
    /// nil if nothing is there.
    private static func look(at path: String) throws(MemoryBackendError) -> FileStatus? {
        do throws(SystemCallError) {
            return try FileStatus(path: path)
        } catch {
            guard error.errno == .noSuchFileOrDirectory else { throw .cannotOpen(path: path, reason: error.errno) }
            return nil
        }
    }

    /// nil if another process created the file meanwhile.
    private static func create(_ path: String, readOnly: Bool) throws(MemoryBackendError) -> OwnedDescriptor? {
        if (try? FileStatus(path: path, followsLinks: false))?.kind == .symbolicLink { throw .danglingLink(path: path) }
        guard !readOnly else { throw .missingReadOnly(path: path) }
        do throws(SystemCallError) {
            return try OwnedDescriptor(opening: path, access: .createNew, mode: 0o644)
        } catch {
            guard error.errno == .fileExists else { throw .cannotOpen(path: path, reason: error.errno) }
            return nil
        }
    }

    /// nil if the file is gone meanwhile.
    private static func openExisting(
        _ path: String, _ status: FileStatus, readOnly: Bool
    ) throws(MemoryBackendError) -> OwnedDescriptor? {
        // Before the open, since opening some devices has effects; and after it, since the name may lead elsewhere by
        // then.
        guard status.kind == .regular else { throw .notRegularFile(path: path, kind: status.kind) }
        let descriptor: OwnedDescriptor
        do throws(SystemCallError) {
            descriptor = try OwnedDescriptor(opening: path, access: readOnly ? .read : .readWrite)
        } catch {
            if error.errno == .noSuchFileOrDirectory { return nil }
            throw reason(whyNotOpened: path, error.errno, readOnly: readOnly)
        }
        guard let opened = try? descriptor.status(), opened.kind == .regular else {
            throw .notRegularFile(path: path, kind: .other)
        }
        return descriptor
    }

    private static func reason(whyNotOpened path: String, _ reason: Errno, readOnly: Bool) -> MemoryBackendError {
        let concernsWriting: [Errno] = [.permissionDenied, .notPermitted, .readOnlyFileSystem, .textFileBusy]
        if !readOnly, concernsWriting.contains(reason), (try? OwnedDescriptor(opening: path, access: .read)) != nil {
            return .cannotOpenForWriting(path: path, reason: reason)
        }
        return .cannotOpen(path: path, reason: reason)
    }

    /// A file without a name in a directory.
    private static func openUnnamed(in directory: String) throws(MemoryBackendError) -> OwnedDescriptor {
        do throws(SystemCallError) {
            return try OwnedDescriptor(unnamedIn: directory, mode: 0o600)
        } catch {
            throw .cannotOpen(path: directory, reason: error.errno)
        }
    }
}

// MARK: - Size

extension BackingFile {
    /// Makes an empty file as long as the memory needs it, sparse and durably so; refuses one that is too short.
    func fit(size: UInt64, offset: UInt64, readOnly: Bool) throws(MemoryBackendError) {
        let (needed, overflow) = offset.addingReportingOverflow(size)
        guard !overflow else { throw .sizeTooLarge(byteCount: size) }
        let actual = try byteCount()
        if actual == 0, !readOnly { return try extend(to: needed) }
        guard actual >= needed else { throw .tooSmall(path: path, actual: actual, size: size, offset: offset) }
    }

    /// The file's size in bytes.
    func byteCount() throws(MemoryBackendError) -> UInt64 {
        do throws(SystemCallError) {
            return try descriptor.status().byteCount
        } catch {
            throw .cannotOpen(path: path, reason: error.errno)
        }
    }

    private func extend(to byteCount: UInt64) throws(MemoryBackendError) {
        do throws(SystemCallError) {
            try descriptor.resize(to: byteCount)
        } catch {
            throw .cannotResize(path: path, byteCount: byteCount, reason: error.errno)
        }
        guard origin != .unnamed else { return }
        do throws(SystemCallError) {
            // Later flushes are about data; that the file is there and how long it is has to be on the disk before.
            try descriptor.synchronizeAll()
        } catch {
            throw .cannotMakeDurable(path: path, reason: error.errno)
        }
    }

    /// Makes a new file's name durable.
    ///
    /// - Returns: why that cannot be done here; nil if it was, or there was nothing to do.
    func synchronizeName() -> MemoryBackendWarning? {
        guard origin == .created else { return nil }
        do throws(SystemCallError) {
            try OwnedDescriptor(opening: FilePath(path).parentDirectory, access: .read).synchronizeAll()
            return nil
        } catch {
            return .nameNotDurable(path: path, reason: error.errno)
        }
    }
}

extension FilePath {
    /// The directory that holds the last component; `.` for a plain name.
    fileprivate var parentDirectory: String {
        let parent = removingLastComponent()
        return parent.isEmpty ? "." : parent.string
    }
}
