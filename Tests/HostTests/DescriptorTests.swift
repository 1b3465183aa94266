import CLinux
import SystemPackage
import Testing

@testable import Host

@Suite struct DescriptorTests {
    private func isOpen(_ number: CInt) -> Bool { nt_fcntl_value(number, F_GETFD, 0) >= 0 }

    @Test("a descriptor is closed with its owner, is close-on-exec, and its copy lives on")
    func ownership() throws {
        var number: CInt = -1
        var copyNumber: CInt = -1
        do {
            let copy: OwnedDescriptor
            do {
                let file = try OwnedDescriptor(memoryFileNamed: "test", allowsSealing: false)
                number = file.rawValue
                copy = try file.duplicate()
                copyNumber = copy.rawValue
                #expect(nt_fcntl_value(copyNumber, F_GETFD, 0) == FD_CLOEXEC)
            }
            try copy.resize(to: 5)
            #expect(try copy.status().byteCount == 5)
        }
        // Other tests open files meanwhile: a number may be in use again, but not for ours.
        #expect(number >= 0 && copyNumber >= 0 && number != copyNumber)
        #expect(try readLink(copyNumber)?.contains("memfd:test") != true)
    }

    private func readLink(_ number: CInt) throws -> String? {
        guard isOpen(number) else { return nil }
        var buffer = [CChar](repeating: 0, count: 256)
        let count = unsafe readlink("/proc/self/fd/\(number)", &buffer, buffer.count)
        return count < 0 ? nil : String(decoding: buffer.prefix(count).map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    @Test("an unnamed file leaves no name behind", arguments: ["/dev/shm", "/var/tmp", "/tmp"])
    func unnamed(_ directory: String) throws {
        let file = try OwnedDescriptor(unnamedIn: directory)
        try file.resize(to: 4096)
        try file.synchronizeData()
        #expect(try file.status().kind == .regular)
        let ours = directoryEntries(directory)?.filter { $0.hasPrefix(".needletail") }
        #expect(ours == [])
    }

    @Test(
        "kinds of files",
        arguments: [
            ("/", FileStatus.Kind.directory), ("/dev/null", .characterDevice), ("/etc/passwd", .regular),
            ("/proc/self", .symbolicLink),
        ])
    func kinds(_ path: String, _ kind: FileStatus.Kind) throws {
        #expect(try FileStatus(path: path, followsLinks: false).kind == kind)
    }

    @Test("an error names the call, the file and the reason")
    func errors() {
        let error = #expect(throws: SystemCallError.self) {
            _ = try OwnedDescriptor(opening: "/no/such", access: .read)
        }
        #expect(error?.description == "open /no/such: No such file or directory")
    }

    @Test("sizes beyond what a file can have are refused", arguments: [UInt64.max, 1 << 63])
    func sizes(_ byteCount: UInt64) throws {
        let file = try OwnedDescriptor(memoryFileNamed: "test", allowsSealing: false)
        #expect(throws: SystemCallError(call: "ftruncate", errno: .fileTooLarge)) { try file.resize(to: byteCount) }
        #expect(throws: SystemCallError(call: "fallocate", errno: .fileTooLarge)) {
            try file.allocate(offset: 0, byteCount: byteCount)
        }
    }

    @Test(
        "locks conflict between open file descriptions, and the holder can be told",
        arguments: [
            (FileLock.shared, FileLock.shared, true), (.shared, .exclusive, false), (.exclusive, .shared, false),
            (.exclusive, .exclusive, false),
        ])
    func locks(_ first: FileLock, _ second: FileLock, _ works: Bool) throws {
        let file = try OwnedDescriptor(unnamedIn: "/var/tmp")
        #expect(try file.status().lockHolder() == nil)
        let again = try OwnedDescriptor(opening: "/proc/self/fd/\(file.rawValue)", access: .readWrite)
        #expect(try acquire(file, first))
        #expect(try acquire(again, second) == works)
        #expect(try file.status().lockHolder() == Process.identifier)
        #expect(try acquire(file, .shared))
    }

    private func acquire(_ file: borrowing OwnedDescriptor, _ lock: FileLock) throws -> Bool { try file.lock(lock) }
}
