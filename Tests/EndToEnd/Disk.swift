import Foundation

/// A file that becomes a guest's persistent memory, removed at the end.
final class Disk: Sendable {
    let path: String
    let byteCount: UInt64

    /// A sparse file of zeroes.
    init(byteCount: UInt64) throws {
        path = "\(Laboratory.folder)/disk-\(UUID().uuidString).img"
        self.byteCount = byteCount
        try run(["truncate", "--size=\(byteCount)", path])
    }

    /// An ext4 file system, empty or with one file.
    static func ext4(byteCount: UInt64, file: (name: String, content: String)? = nil) throws -> Disk {
        try ext4(byteCount: byteCount, files: file.map { [$0.name: Data($0.content.utf8)] } ?? [:])
    }

    /// An ext4 file system with files.
    static func ext4(byteCount: UInt64, files content: [String: Data]) throws -> Disk {
        let disk = try Disk(byteCount: byteCount)
        let files = disk.path + ".files"
        try FileManager.default.createDirectory(atPath: files, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(atPath: files) }
        for (name, data) in content { try data.write(to: URL(filePath: "\(files)/\(name)")) }
        try run(["mkfs.ext4", "-q", "-b", "4096", "-d", files, disk.path])
        return disk
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// Replays the journal, as the next mount would; then finds no fault.
    func check() throws {
        // 1 says that something was done, and a replay is that.
        try run(["e2fsck", "-f", "-p", path], expecting: [0, 1])
        try run(["e2fsck", "-f", "-n", path])
    }

    /// A file in the file system on it, read by e2fsprogs.
    func file(_ name: String) throws -> Data {
        let copy = path + ".copy"
        defer { try? FileManager.default.removeItem(atPath: copy) }
        try run(["debugfs", "-R", "dump /\(name) \(copy)", path])
        return try Data(contentsOf: URL(filePath: copy))
    }

    func text(_ name: String) throws -> String { String(decoding: try file(name), as: UTF8.self) }

    /// Every plain file at the top of the file system, by name.
    func allFiles() throws -> [String: String] {
        let (folder, manager) = (path + ".all", FileManager.default)
        try manager.createDirectory(atPath: folder, withIntermediateDirectories: false)
        defer { try? manager.removeItem(atPath: folder) }
        try run(["debugfs", "-R", "rdump / \(folder)", path])
        let names = try manager.contentsOfDirectory(atPath: folder)
        return Dictionary(
            uniqueKeysWithValues: names.map {
                ($0, (try? String(contentsOfFile: "\(folder)/\($0)", encoding: .utf8)) ?? "")
            })
    }

    /// Text at an offset of the file itself.
    func text(at offset: UInt64, byteCount: Int) throws -> String {
        let handle = try FileHandle(forReadingFrom: URL(filePath: path))
        defer { try? handle.close() }
        try handle.seek(toOffset: offset)
        return String(decoding: try handle.read(upToCount: byteCount) ?? Data(), as: UTF8.self)
    }

    func truncate(to byteCount: UInt64) throws { try run(["truncate", "--size=\(byteCount)", path]) }

    /// Whether some of the file is in the host's page cache only: the file system has not even chosen blocks for it,
    /// which a synchronization makes it do. (ext4, XFS and btrfs can tell.)
    func hasUnsynchronizedBlocks() throws -> Bool { try run(["filefrag", "-v", path]).contains("delalloc") }
}
