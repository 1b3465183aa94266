import Foundation

/// A folder of a test's own, on a file system with a disk; removed at the end.
final class WorkFolder {
    let path: String
    private var next = 0

    init() throws {
        path = "/var/tmp/needletail-bare-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func file(_ name: String) -> String { "\(path)/\(name)" }

    /// A path that no other call gives.
    func newPath(_ name: String) -> String {
        next += 1
        return file("\(name).\(next)")
    }

    /// Makes a file.
    ///
    /// - Returns: its path.
    func write(_ bytes: [UInt8], to name: String) throws -> String {
        try Data(bytes).write(to: URL(filePath: file(name)))
        return file(name)
    }

    /// Makes or resizes a file that takes no space.
    ///
    /// - Returns: its path.
    func makeSparse(_ name: String, byteCount: UInt64) throws -> String {
        if !exists(name) { _ = try write([], to: name) }
        let handle = try FileHandle(forWritingTo: URL(filePath: file(name)))
        try handle.truncate(atOffset: byteCount)
        return file(name)
    }

    func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: file(name)) }

    var names: [String] { ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted() }

    func bytes(of name: String, at offset: UInt64, count: Int) throws -> [UInt8] {
        let handle = try FileHandle(forReadingFrom: URL(filePath: file(name)))
        try handle.seek(toOffset: offset)
        return [UInt8](try handle.read(upToCount: count) ?? Data())
    }

    func text(of name: String, at offset: UInt64, count: Int) throws -> String {
        String(decoding: try bytes(of: name, at: offset, count: count), as: UTF8.self)
    }
}
