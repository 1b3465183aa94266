import Foundation
import Glibc
import Host
import Testing
import TestSupport

/// `-pidfile`: what is there already is never lost, and no file but the process's own is removed.
@Suite struct PIDFileTests {
    private let folder: TestFolder
    private var path: String { folder.file("pid") }

    init() throws { folder = try TestFolder() }

    /// Starts a server that has nothing but a pid file in common with others.
    private func start(_ name: String, pidFile: String) throws -> Child {
        try Child(
            [
                ServeProcess.executable, "serve", "-x-needletail-log-level", "info", "-object",
                "memory-backend-memfd,id=m,size=2M", "-device", "virtio-pmem-pci,memdev=m", "-socket",
                folder.file(name), "-pidfile", pidFile,
            ], in: folder)
    }

    private func refusal(of path: String) throws -> String {
        let child = try start("refused.sock", pidFile: path)
        #expect(try child.end(seconds: 10) == .status(1))
        #expect(!FileManager.default.fileExists(atPath: folder.file("refused.sock")), "the socket is left")
        return child.output
    }

    private func write(_ text: String, to path: String) {
        _ = FileManager.default.createFile(atPath: path, contents: Data(text.utf8))
    }

    @Test func otherContentStays() throws {
        for content in ["precious\n", "12 x\n", String(repeating: "1", count: 100)] {
            write(content, to: path)
            #expect(try refusal(of: path).contains("something other than a process id"))
            #expect(text(of: path) == content)
        }
    }

    @Test func aLinkIsNotFollowed() throws {
        write("", to: folder.file("target"))
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: folder.file("target"))
        #expect(try refusal(of: path).contains("no regular file"))
        #expect(FileManager.default.fileExists(atPath: path) && text(of: folder.file("target")).isEmpty)
        try FileManager.default.removeItem(atPath: path)
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: folder.file("missing"))
        #expect(try refusal(of: path).contains("no regular file"))
        #expect(!FileManager.default.fileExists(atPath: folder.file("missing")))
    }

    /// A device without space, made here so that a failure deletes no device of the host; a FIFO without a reader; a
    /// folder.
    @Test func whatIsNoRegularFileStays() throws {
        #expect(unsafe mkfifo(path, 0o600) == 0)
        var paths = [path, folder.path]
        let device = folder.file("full")
        if unsafe mknod(device, S_IFCHR | 0o600, dev_t(1 << 8 | 7)) == 0 {
            paths.append(device)
        } else {
            print("no device made here (\(errno)): only the others are tried")
        }
        for path in paths {
            #expect(try refusal(of: path).contains("no regular file"), "\(path)")
            #expect(FileManager.default.fileExists(atPath: path), "\(path)")
        }
    }

    @Test func aFileThatCannotBeOpenedStays() throws {
        #expect(try refusal(of: folder.file("no/such")).contains("No such file"))
    }

    @Test func aLiveOneIsNotTakenOver() throws {
        let first = try start("first.sock", pidFile: path)
        try first.wait(for: "the start") { first.output.contains("serving") }
        let said = try refusal(of: path)
        #expect(said.contains("process \(first.identifier) uses it"), "\(said)")
        #expect(text(of: path) == "\(first.identifier)\n")
        first.kill(SIGTERM)
        #expect(try first.end() == .status(0))
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test func aDeadOnesIsTakenOver() throws {
        let first = try start("first.sock", pidFile: path)
        try first.wait(for: "the start") { first.output.contains("serving") }
        first.kill(SIGKILL)
        try first.end()
        let second = try start("first.sock", pidFile: path)
        try second.wait(for: "the start") { second.output.contains("serving") }
        #expect(text(of: path) == "\(second.identifier)\n")
    }

    /// A file that took the name over meanwhile is another's.
    @Test func anothersFileIsNotRemoved() throws {
        let first = try start("first.sock", pidFile: path)
        try first.wait(for: "the start") { first.output.contains("serving") }
        try FileManager.default.removeItem(atPath: path)
        write("another's\n", to: path)
        try FileManager.default.removeItem(atPath: folder.file("first.sock"))
        write("another's\n", to: folder.file("first.sock"))
        first.kill(SIGTERM)
        #expect(try first.end() == .status(0))
        #expect(text(of: path) == "another's\n")
        #expect(text(of: folder.file("first.sock")) == "another's\n")
    }
}
