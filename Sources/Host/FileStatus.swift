import CLinux
import SystemPackage

/// What `stat` tells about a file.
public struct FileStatus: Equatable, Sendable {
    public enum Kind: Equatable, Sendable {
        case regular, directory, symbolicLink, blockDevice, characterDevice, fifo, socket, other
    }

    public let kind: Kind
    /// The size in bytes; without meaning for devices.
    public let byteCount: UInt64
    /// Device and inode together name a file, whatever its path is.
    public let device: UInt64
    public let inode: UInt64

    /// Looks at a path without opening it: opening alone can start a watchdog or rewind a tape.
    ///
    /// - Parameter followsLinks: false looks at a symbolic link itself.
    public init(path: String, followsLinks: Bool = true) throws(SystemCallError) {
        var information = stat()
        try systemCall("stat", path) {
            unsafe followsLinks ? stat(path, &information) : lstat(path, &information)
        }
        self.init(information)
    }

    /// - Parameter subject: for the message of an error.
    init(descriptor: CInt, _ subject: String = "") throws(SystemCallError) {
        var information = stat()
        try systemCall("fstat", subject) { unsafe fstat(descriptor, &information) }
        self.init(information)
    }

    private init(_ information: stat) {
        kind = Self.kind(ofMode: information.st_mode)
        byteCount = UInt64(clamping: information.st_size)
        device = UInt64(information.st_dev)
        inode = UInt64(information.st_ino)
    }

    /// Whether both are the same file.
    public func isSameFile(as other: FileStatus) -> Bool { device == other.device && inode == other.inode }

    /// Whether a path, links not followed, leads to this file.
    func hasName(_ path: String) -> Bool {
        (try? FileStatus(path: path, followsLinks: false)).map(isSameFile) ?? false
    }

    private static func kind(ofMode mode: mode_t) -> Kind {
        switch CInt(truncatingIfNeeded: mode) & S_IFMT {
        case S_IFREG: .regular
        case S_IFDIR: .directory
        case S_IFLNK: .symbolicLink
        case S_IFBLK: .blockDevice
        case S_IFCHR: .characterDevice
        case S_IFIFO: .fifo
        case S_IFSOCK: .socket
        default: .other
        }
    }
}

/// What `statfs` tells about the file system that holds a file.
public struct FileSystemStatus: Equatable, Sendable {
    /// The unit in which its pages are mapped, in bytes: the huge page size on hugetlbfs.
    public let pageByteCount: Int
    public let isHugeTLB: Bool
    /// Whether its files are memory (tmpfs): huge pages are then given on request only.
    public let isMemory: Bool
}

extension OwnedDescriptor {
    /// - Parameter subject: for the message of an error.
    public borrowing func status(_ subject: String = "") throws(SystemCallError) -> FileStatus {
        try FileStatus(descriptor: rawValue, subject)
    }

    public borrowing func fileSystemStatus() throws(SystemCallError) -> FileSystemStatus {
        var information = statfs()
        let number = rawValue
        try systemCall("fstatfs") { unsafe fstatfs(number, &information) }
        let isHugeTLB = UInt32(truncatingIfNeeded: information.f_type) == NT_HUGETLBFS_MAGIC
        return FileSystemStatus(
            pageByteCount: isHugeTLB ? max(Int(information.f_bsize), 4096) : 4096,
            isHugeTLB: isHugeTLB,
            isMemory: UInt32(truncatingIfNeeded: information.f_type) == NT_TMPFS_MAGIC)
    }
}
