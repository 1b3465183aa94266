import CLinux
import SystemPackage

/// A lock on a whole file.
public enum FileLock: Equatable, Sendable {
    /// Any number of holders, none of them exclusive.
    case shared
    /// One holder; its descriptor must be open for writing.
    case exclusive
}

/// What of a file a lock is on. Locks mark a file's users and protect no bytes, so parts can stand for users.
public enum FileLockRange: Equatable, Sendable {
    case whole
    /// All but the last byte that a file can have.
    case allButLast
    /// The last byte that a file can have.
    case last

    fileprivate var start: off_t { self == .last ? .max : 0 }
    /// 0 is "without end".
    fileprivate var byteCount: off_t { self == .allButLast ? .max : 0 }
}

extension OwnedDescriptor {
    /// Takes a lock for this open file description, or changes the one it has; it goes with the description. Two
    /// descriptions conflict even in one process, which is what tells two backends over one file from each other.
    ///
    /// - Returns: false if another description holds a lock that conflicts.
    /// - Throws: the kernel's reason where the file system cannot lock.
    public borrowing func lock(
        _ lock: FileLock, _ range: FileLockRange = .whole
    ) throws(SystemCallError) -> Bool {
        do throws(SystemCallError) {
            try setLock(lock == .exclusive ? F_WRLCK : F_RDLCK, range)
            return true
        } catch {
            // Either is allowed for a conflict (fcntl(2)).
            guard error.errno == .resourceTemporarilyUnavailable || error.errno == .permissionDenied else {
                throw error
            }
            return false
        }
    }

    /// Gives up what this open file description has locked of a range.
    public borrowing func unlock(_ range: FileLockRange = .whole) throws(SystemCallError) {
        try setLock(F_UNLCK, range)
    }

    private borrowing func setLock(_ kind: CInt, _ range: FileLockRange) throws(SystemCallError) {
        var region = flock()
        region.l_type = Int16(kind)
        region.l_whence = Int16(SEEK_SET)
        (region.l_start, region.l_len) = (range.start, range.byteCount)
        let number = rawValue
        try systemCall("fcntl(lock)") { unsafe nt_fcntl_lock(number, CInt(F_OFD_SETLK), &region) }
    }
}

extension FileStatus {
    /// The id of a process that holds a lock on this file; nil where the kernel does not tell.
    ///
    /// `F_OFD_GETLK` and `/proc/locks` name no process for a lock of an open file description (they say -1), but
    /// `/proc/PID/fdinfo` lists a descriptor's locks, if this user may inspect the process. Slow: for error messages.
    public func lockHolder() -> CInt? {
        for process in directoryEntries("/proc") ?? [] {
            guard let id = CInt(process) else { continue }
            if holdsLock("/proc/\(process)") { return id }
        }
        return nil
    }

    private func holdsLock(_ process: String) -> Bool {
        (directoryEntries("\(process)/fdinfo") ?? []).contains { name in
            guard let information = textOfSmallFile("\(process)/fdinfo/\(name)"),
                information.split(separator: "\n").contains(where: { $0.hasPrefix("lock:") }),
                let file = try? FileStatus(path: "\(process)/fd/\(name)")
            else { return false }
            return isSameFile(as: file)
        }
    }
}
