import Host
import Options
import SystemPackage

// Two machines that write one file destroy it, each with its own idea of the file system in it. QEMU locks disk images
// but no memory backends; here, they are locked as well.

extension BackingFile {
    /// Takes the lock that the options ask for: exclusive where stores reach the file, shared otherwise.
    ///
    /// - Returns: whether the file is locked, and why not if it should be.
    func lock(for options: FileBackendOptions) throws(MemoryBackendError) -> (isLocked: Bool, MemoryBackendWarning?) {
        guard options.locking != .off, origin != .unnamed else { return (false, nil) }
        do throws(SystemCallError) {
            if try descriptor.lock(options.reachesFile ? .exclusive : .shared) { return (true, nil) }
        } catch {
            guard options.locking == .automatic else { throw .cannotLock(path: path, reason: error.errno) }
            return (false, .notLocked(path: path, reason: error.errno))
        }
        throw .inUse(path: path, holder: (try? descriptor.status())?.lockHolder())
    }

    /// Opens the file once more, for a process that is to map it. With a description of its own that process can drop
    /// its own lock, never this one's; and as long as it lives, the file is in use, even if this process has gone.
    ///
    /// An exclusive lock has one holder, so its last byte is the other process's.
    func reopenForSharing(isLocked: Bool, readOnly: Bool) throws(SystemCallError) -> OwnedDescriptor {
        let file = try OwnedDescriptor(
            opening: "/proc/self/fd/\(descriptor.rawValue)", access: readOnly ? .read : .readWrite)
        guard isLocked else { return file }
        if !readOnly { try descriptor.unlock(.last) }
        guard try file.lock(readOnly ? .shared : .exclusive, readOnly ? .whole : .last) else {
            throw SystemCallError(call: "lock", subject: path, errno: .resourceBusy)
        }
        return file
    }
}
