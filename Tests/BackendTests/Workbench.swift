import Foundation
import Host
import Options
import Testing

@testable import Backend

/// A directory of a test's own, on a chosen file system, removed at the end.
final class Workbench: Sendable {
    /// Real file systems with different habits: one in memory, and the one that holds the root directory.
    static let places = ["/dev/shm", "/var/tmp"]

    let path: String

    init(in place: String = "/var/tmp") throws {
        path = "\(place)/needletail-test-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func file(_ name: String) -> String { "\(path)/\(name)" }

    func write(_ content: [UInt8], to name: String) throws {
        try Data(content).write(to: URL(filePath: file(name)))
    }

    func makeSparse(_ name: String, byteCount: UInt64) throws {
        try OwnedDescriptor(opening: file(name), access: .createNew, mode: 0o644).resize(to: byteCount)
    }

    func content(_ name: String) throws -> [UInt8] { try [UInt8](Data(contentsOf: URL(filePath: file(name)))) }

    /// nil if there is no such file.
    func byteCount(_ name: String) -> UInt64? { (try? FileStatus(path: file(name), followsLinks: false))?.byteCount }

    var names: [String] { ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted() }

    func options(_ name: String, byteCount: UInt64 = 4 << 20) -> FileBackendOptions {
        var options = FileBackendOptions(id: "m", byteCount: byteCount, path: file(name))
        options.isShared = true
        return options
    }
}

extension HostMapping {
    /// Writes and reads back as devices do.
    func storeByte(_ value: UInt8, at offset: Int) throws {
        try unsafe withUnsafeBytes(of: value) { bytes in try unsafe copy(bytes, to: offset) }
    }

    func loadByte(at offset: Int) throws -> UInt8 {
        var value: UInt8 = 0
        try unsafe withUnsafeMutableBytes(of: &value) { bytes in try unsafe copy(from: offset, into: bytes) }
        return value
    }
}

/// The error that `body` throws; nil if it throws none.
func memoryBackendError(_ body: () throws -> Void) -> MemoryBackendError? {
    do {
        try body()
        return nil
    } catch {
        return error as? MemoryBackendError
    }
}
