import Foundation

/// A file system that a test mounts for itself, unmounted at the end.
public final class TemporaryMount: Sendable {
    public let path: String

    /// - Parameter arguments: of mount(8), without the folder.
    public init(_ arguments: [String]) throws {
        path = "/var/tmp/needletail-mount-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        let result = try run(["mount"] + arguments + [path])
        guard result.status == 0 else {
            try FileManager.default.removeItem(atPath: path)
            throw DiskError("mount \(arguments.joined(separator: " ")): \(result.output)")
        }
    }

    /// A file system in memory.
    public static func memory(_ options: String) throws -> TemporaryMount {
        try TemporaryMount(["-t", "tmpfs", "-o", options, "none"])
    }

    /// An ext4 file system of 16 MiB in a file.
    ///
    /// - Parameters:
    ///   - folder: where the file is made; it is removed when it is mounted, and takes its space until the end.
    ///   - options: of mount(8), with a comma before each.
    public static func ext4(in folder: String = "/var/tmp", options: String = "") throws -> TemporaryMount {
        let image = "\(folder)/needletail-image-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: image) }
        let command = "mkfs.ext4 -q -b 4096 -O ^has_journal -E lazy_itable_init=0"
        let made = try run(["sh", "-c", "truncate -s 16M \(image) && \(command) \(image)"])
        guard made.status == 0 else { throw DiskError("\(command): \(made.output)") }
        return try TemporaryMount(["-o", "loop\(options)", image])
    }

    public func file(_ name: String) -> String { "\(path)/\(name)" }

    public func remount(_ options: String) throws {
        let result = try run(["mount", "-o", "remount,\(options)", path])
        guard result.status == 0 else { throw DiskError("mount -o remount,\(options): \(result.output)") }
    }

    deinit {
        _ = try? run(["umount", "-l", path])
        try? FileManager.default.removeItem(atPath: path)
    }
}

/// What this machine lacks for a test with such a disk, as the reason of `.disabled(if:)`; nil: nothing.
extension TemporaryMount {
    public static let memoryProblem = problem { try memory("size=1m") }
    public static let ext4Problem = problem { try ext4() }

    private static func problem(_ mount: () throws -> TemporaryMount) -> String? {
        do {
            _ = try mount()
            return nil
        } catch { return "\(error)" }
    }
}

public struct DiskError: Error, CustomStringConvertible {
    public let description: String

    init(_ message: String) {
        description = message.split(whereSeparator: \.isNewline).joined(separator: " ")
    }
}
