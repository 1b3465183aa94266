import Foundation

/// A file system that a test mounts for itself, unmounted at the end.
final class TemporaryMount: Sendable {
    let path: String
    private let image: String?

    /// nil, after printing why, where mounting is not allowed.
    init?(_ arguments: [String], image: String? = nil) throws {
        path = "/tmp/needletail-mount-\(UUID().uuidString)"
        self.image = image
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        let result = try run(["mount"] + arguments + [path])
        guard result.status == 0 else {
            print("not tested: cannot mount \(arguments.joined(separator: " ")): \(result.output)")
            return nil
        }
    }

    /// A file system in memory.
    static func memory(_ options: String) throws -> TemporaryMount? {
        try TemporaryMount(["-t", "tmpfs", "-o", options, "none"])
    }

    /// An ext4 file system of 16 MiB in a file.
    static func ext4() throws -> TemporaryMount? {
        let image = "/var/tmp/needletail-image-\(UUID().uuidString)"
        let made = try run(["sh", "-c", "truncate -s 16M \(image) && mkfs.ext4 -q -b 4096 -O ^has_journal \(image)"])
        guard made.status == 0 else {
            print("not tested: cannot make an ext4 file system: \(made.output)")
            try? FileManager.default.removeItem(atPath: image)
            return nil
        }
        return try TemporaryMount(["-o", "loop", image], image: image)
    }

    func remountReadOnly() throws -> Bool { try run(["mount", "-o", "remount,ro", path]).status == 0 }

    deinit {
        _ = try? run(["umount", "-l", path])
        try? FileManager.default.removeItem(atPath: path)
        if let image { try? FileManager.default.removeItem(atPath: image) }
    }
}
