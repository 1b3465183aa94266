import Foundation
import Host
import Options
import SystemPackage
import TestDisks
import Testing

@testable import Backend

/// Disks that are full or read-only.
@Suite(
    .serialized, .disabled(if: TemporaryMount.memoryProblem != nil, "\(TemporaryMount.memoryProblem ?? "")"),
    .disabled(if: TemporaryMount.ext4Problem != nil, "\(TemporaryMount.ext4Problem ?? "")"))
struct DiskTests {
    private func options(_ path: String, byteCount: UInt64 = 64 << 20, preallocates: Bool = true) -> FileBackendOptions
    {
        var options = FileBackendOptions(id: "m", byteCount: byteCount, path: path)
        options.isShared = true
        options.memory.preallocates = preallocates
        return options
    }

    /// Each with the file system that it is about.
    private static let disks: [(name: String, mount: @Sendable () throws -> TemporaryMount)] = [
        ("tmpfs", { try TemporaryMount.memory("size=1m") }), ("ext4", { try TemporaryMount.ext4() }),
    ]

    @Test("prealloc on a full disk fails and takes back what it made", arguments: disks.indices)
    func full(_ index: Int) throws {
        let disk = try Self.disks[index].mount()
        let (new, empty) = ("\(disk.path)/new", "\(disk.path)/empty")
        let error = memoryBackendError { _ = try FileBackend(options(new)) }
        #expect(error == .cannotPreallocate(subject: new, byteCount: 64 << 20, reason: .noSpace))
        #expect(error?.description.contains("free space") == true)
        #expect((try? FileStatus(path: new)) == nil)

        _ = try OwnedDescriptor(opening: empty, access: .createNew)
        #expect(memoryBackendError { _ = try FileBackend(options(empty)) } != nil)
        #expect(try FileStatus(path: empty).byteCount == 0)
        _ = try FileBackend(options(empty, byteCount: 64 << 20, preallocates: false))
    }

    @Test("prealloc of an existing file on a full disk leaves its content", arguments: disks.indices)
    func fullWithContent(_ index: Int) throws {
        let disk = try Self.disks[index].mount()
        let path = "\(disk.path)/x"
        try Data([1, 2, 3]).write(to: URL(filePath: path))
        try OwnedDescriptor(opening: path, access: .readWrite).resize(to: 64 << 20)
        #expect(memoryBackendError { _ = try FileBackend(options(path)) } != nil)
        #expect(try FileStatus(path: path).byteCount == 64 << 20)
        #expect(try Data(contentsOf: URL(filePath: path)).prefix(4) == Data([1, 2, 3, 0]))
    }

    @Test("a store into a hole on a full disk is an error, no signal", arguments: disks.indices)
    func storeIntoHole(_ index: Int) throws {
        let disk = try Self.disks[index].mount()
        let backend = try FileBackend(options("\(disk.path)/x", preallocates: false))
        var stored = 0
        #expect(throws: HostMapping.Fault.self) {
            for page in 0..<(64 << 8) {
                try backend.mapping.storeByte(1, at: page * 4096)
                stored += 1
            }
        }
        #expect(stored > 0)
    }

    @Test("no room for one more name")
    func noInodes() throws {
        let disk = try TemporaryMount.memory("nr_inodes=1")
        let error = memoryBackendError { _ = try FileBackend(options("\(disk.path)/x")) }
        #expect(error == .cannotOpen(path: "\(disk.path)/x", reason: .noSpace))
    }

    @Test("prealloc gives every page its block", arguments: disks.indices)
    func preallocated(_ index: Int) throws {
        let disk = try Self.disks[index].mount()
        let path = "\(disk.path)/x"
        let backend = try FileBackend(options(path, byteCount: 512 << 10))
        #expect(try run(["stat", "-c", "%b", path]).output.hasPrefix("1024"))
        #expect(backend.memoryOptions.preallocates)
    }

    @Test("a file that may only be read: the message says how")
    func readOnlyDisk() throws {
        let disk = try TemporaryMount.memory("size=8m")
        let path = "\(disk.path)/x"
        try OwnedDescriptor(opening: path, access: .createNew).resize(to: 4 << 20)
        try disk.remount("ro")
        var options = options(path, byteCount: 4 << 20, preallocates: false)
        let error = memoryBackendError { _ = try FileBackend(options) }
        #expect(error == .cannotOpenForWriting(path: path, reason: .readOnlyFileSystem))
        #expect(error?.description.contains("readonly=on") == true)
        options.opensReadOnly = true
        #expect(try FileBackend(options).mapping.isReadOnly)
        options.path = "\(disk.path)/new"
        options.opensReadOnly = false
        #expect(
            memoryBackendError { _ = try FileBackend(options) }
                == .cannotOpen(path: options.path, reason: .readOnlyFileSystem))
    }

}

@Suite struct BlockDeviceTests {
    private static let exists = (try? FileStatus(path: "/dev/loop0"))?.kind == .blockDevice

    @Test("a block device is refused unopened", .enabled(if: exists, "no block device /dev/loop0"))
    func refused() throws {
        var options = FileBackendOptions(id: "m", byteCount: 64 << 20, path: "/dev/loop0")
        options.isShared = true
        let error = memoryBackendError { _ = try FileBackend(options) }
        #expect(error == .notRegularFile(path: "/dev/loop0", kind: .blockDevice))
        #expect(error?.description.contains("Real NVDIMM") == true)
    }
}
