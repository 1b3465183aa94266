import Foundation

/// A disk that fails: ext4 on a loop device whose own file has no space to grow, so that writes to the "disk" are
/// errors (ENOSPC, or EIO with older kernels). It can be had where `TemporaryMount.ext4Problem` is nil.
public final class FailingDisk: Sendable {
    public let files: TemporaryMount
    private let lower: TemporaryMount

    public init() throws {
        lower = try .memory("size=32m")
        files = try .ext4(in: lower.path, options: ",errors=continue")
    }

    /// From now on the disk takes nothing that it does not have yet.
    public func fail() throws {
        let filled = try run(["sh", "-c", "sync; dd if=/dev/zero of=\(lower.file("filler")) bs=64k"])
        guard filled.output.contains("No space left") else { throw DiskError("dd: \(filled.output)") }
    }

    public func recover() throws { try FileManager.default.removeItem(atPath: lower.file("filler")) }
}
