import CLinux
import SystemPackage

/// How a file is opened.
public enum FileAccess: Equatable, Sendable {
    case read
    case readWrite
    /// For reading and writing; a symbolic link is refused (`tooManySymbolicLinkLevels`).
    case readWriteNoLink
    /// For reading and writing; the file must not be there yet, not even as a symbolic link.
    case createNew

    fileprivate var flags: CInt {
        switch self {
        case .read: O_RDONLY
        case .readWrite: O_RDWR
        case .readWriteNoLink: O_RDWR | O_NOFOLLOW
        case .createNew: O_RDWR | O_CREAT | O_EXCL
        }
    }
}

extension OwnedDescriptor {
    /// Opens a file without ever waiting for it, as one would for the other end of a FIFO or for a tape.
    ///
    /// - Parameter mode: permission bits of a file that this call creates; the process's umask is taken off.
    public init(opening path: String, access: FileAccess, mode: UInt32 = 0o600) throws(SystemCallError) {
        try self.init(opening: path, flags: access.flags | O_NONBLOCK | O_NOCTTY, mode: mode)
    }

    /// Makes a file without a name in a directory, open for reading and writing; its space is free again when the
    /// last descriptor and mapping go.
    public init(unnamedIn directory: String, mode: UInt32 = 0o600) throws(SystemCallError) {
        self = try Self.openUnnamed(in: directory, mode: mode)
    }

    private static func openUnnamed(in directory: String, mode: UInt32) throws(SystemCallError) -> OwnedDescriptor {
        do throws(SystemCallError) {
            return try OwnedDescriptor(opening: directory, flags: NT_O_TMPFILE | O_RDWR, mode: mode)
        } catch {
            // What file systems and kernels without unnamed files answer (open(2)).
            let unsupported: [Errno] = [.notSupported, .isDirectory, .invalidArgument]
            guard unsupported.contains(error.errno) else { throw error }
        }
        let path = "\(directory)/.needletail-\(getpid())-\(UInt64.random(in: 0 ... .max))"
        let file = try OwnedDescriptor(opening: path, access: .createNew, mode: mode)
        try unlinkFile(path)
        return file
    }

    /// Sets the file's size in bytes; what is added reads as zeros and takes no blocks.
    public borrowing func resize(to byteCount: UInt64) throws(SystemCallError) {
        guard let length = off_t(exactly: byteCount) else {
            throw SystemCallError(call: "ftruncate", errno: .fileTooLarge)
        }
        let number = rawValue
        try systemCall("ftruncate") { ftruncate(number, length) }
    }

    /// Gives every hole in the range its blocks; content stays as it is. Both in bytes.
    public borrowing func allocate(offset: UInt64, byteCount: UInt64) throws(SystemCallError) {
        guard let start = off_t(exactly: offset), let length = off_t(exactly: byteCount) else {
            throw SystemCallError(call: "fallocate", errno: .fileTooLarge)
        }
        let number = rawValue
        try systemCall("fallocate") { fallocate(number, 0, start, length) }
    }

    /// Makes the file's content durable, and the metadata that reading it back needs (fdatasync).
    public borrowing func synchronizeData() throws(SystemCallError) {
        let number = rawValue
        try systemCall("fdatasync") { fdatasync(number) }
    }

    /// Makes the file's content and all its metadata durable; for a directory, its entries (fsync).
    public borrowing func synchronizeAll() throws(SystemCallError) {
        let number = rawValue
        try systemCall("fsync") { fsync(number) }
    }

    /// An unnamed file in memory (memfd), of size 0.
    ///
    /// - Parameters:
    ///   - name: shown in `/proc/PID/maps`.
    ///   - allowsSealing: whether `sealSize` may be called.
    ///   - hugePageByteCount: the size of the huge pages it is made of, a power of two, 0 for the host's usual one; nil
    ///     for ordinary pages.
    public init(
        memoryFileNamed name: String, allowsSealing: Bool, hugePageByteCount: UInt64? = nil
    ) throws(SystemCallError) {
        var flags = UInt32(MFD_CLOEXEC)
        if allowsSealing { flags |= UInt32(MFD_ALLOW_SEALING) }
        if let hugePageByteCount {
            // The size is given as its logarithm, in the bits from 26 on (memfd_create(2)).
            let logarithm = hugePageByteCount == 0 ? 0 : UInt32(hugePageByteCount.trailingZeroBitCount)
            flags |= UInt32(MFD_HUGETLB) | logarithm << 26
        }
        let all = flags
        self.init(taking: try systemCall("memfd_create") { unsafe nt_memfd_create(name, all) })
    }

    /// Seals a memory file: its size can never change again.
    public borrowing func sealSize() throws(SystemCallError) {
        let number = rawValue
        let seals = CInt(F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)
        try systemCall("fcntl(seal)") { nt_fcntl_value(number, CInt(F_ADD_SEALS), seals) }
    }
}

extension OwnedDescriptor {
    /// Opens a file to write it from its beginning, created where it is missing. A regular file is emptied only once
    /// it is locked, so none that another process uses; and a FIFO that has no reader is not waited for.
    ///
    /// - Throws: `resourceBusy` where another process holds a lock, `noSuchAddressOrDevice` for a FIFO without a
    ///   reader.
    public init(rewriting path: String, mode: UInt32 = 0o644) throws(SystemCallError) {
        self = try Self.rewrite(path, mode)
    }

    private static func rewrite(_ path: String, _ mode: UInt32) throws(SystemCallError) -> OwnedDescriptor {
        let file = try OwnedDescriptor(
            opening: path, flags: O_WRONLY | O_CREAT | O_NONBLOCK | O_NOCTTY, mode: mode)
        guard try file.status().kind == .regular else { return file }
        // A file system without locks cannot tell.
        guard (try? file.lock(.exclusive)) != false else {
            throw SystemCallError(call: "lock", subject: path, errno: .resourceBusy)
        }
        try file.resize(to: 0)
        return file
    }

    /// Whether a path, links not followed, leads to this file.
    public borrowing func hasName(_ path: String) -> Bool {
        guard let own = try? status() else { return false }
        return own.hasName(path)
    }

    /// Removes a name if it is still this file's.
    public borrowing func removeName(_ path: String) {
        if hasName(path) { try? unlinkFile(path) }
    }
}

/// Removes a file's name.
public func unlinkFile(_ path: String) throws(SystemCallError) {
    try systemCall("unlink", path) { unsafe unlink(path) }
}

/// The names in a directory; nil if it cannot be read.
func directoryEntries(_ path: String) -> [String]? {
    guard let directory = unsafe opendir(path) else { return nil }
    defer { unsafe closedir(directory) }
    var names: [String] = []
    while let entry = unsafe readdir(directory) {
        let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { tuple in
            unsafe tuple.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
        }
        if name != ".", name != ".." { names.append(name) }
    }
    return names
}

/// The text of a small file such as those in `/proc`, at most 64 KiB of it; nil if it cannot be read.
func textOfSmallFile(_ path: String) -> String? {
    guard let file = try? OwnedDescriptor(opening: path, flags: O_RDONLY | O_NONBLOCK) else { return nil }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 4096)
    let number = file.rawValue
    while bytes.count < 65536 {
        let count = try? systemCall("read", path) { unsafe read(number, &chunk, chunk.count) }
        guard let count else { return nil }
        if count == 0 { break }
        bytes += chunk.prefix(count)
    }
    return String(decoding: bytes, as: UTF8.self)
}
