import Foundation
import Host
import Options
import Testing

@testable import Backend

@Suite struct LockTests {
    /// How one user of a file opens it.
    enum User: CaseIterable, Sendable {
        case writer, reader, copier, unlocked

        func options(_ bench: Workbench) -> FileBackendOptions {
            var options = bench.options("x")
            switch self {
            case .writer: break
            case .reader: options.opensReadOnly = true
            case .copier: options.isShared = false
            case .unlocked: options.locking = .off
            }
            return options
        }

        func allows(_ other: User) -> Bool {
            if self == .unlocked || other == .unlocked { return true }
            return self != .writer && other != .writer
        }
    }

    @Test("two users of one file", arguments: User.allCases, User.allCases)
    func twoUsers(_ first: User, _ second: User) throws {
        let bench = try Workbench()
        try bench.makeSparse("x", byteCount: 4 << 20)
        let holder = try FileBackend(first.options(bench))
        let error = memoryBackendError { _ = try FileBackend(second.options(bench)) }
        if first.allows(second) {
            #expect(error == nil)
        } else {
            #expect(error == .inUse(path: bench.file("x"), holder: Process.identifier))
            #expect(error?.description.contains("another memory backend of this process") == true)
        }
        #expect(holder.isLocked == (first != .unlocked))
    }

    @Test("another name of the file does not help, and the end of the first user does")
    func otherName() throws {
        let bench = try Workbench()
        var first: FileBackend? = try FileBackend(bench.options("x"))
        try FileManager.default.linkItem(atPath: bench.file("x"), toPath: bench.file("y"))
        #expect(memoryBackendError { _ = try FileBackend(bench.options("y")) } != nil)
        #expect(first?.id == "m")
        first = nil
        _ = try FileBackend(bench.options("y"))
    }

    @Test("the message names the process that holds the file")
    func otherProcess() throws {
        let bench = try Workbench()
        try bench.makeSparse("x", byteCount: 4 << 20)
        let program = """
            import fcntl, struct, sys, os
            f = open(sys.argv[1], "r+b")
            fcntl.fcntl(f, 37, struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 0, 0))
            print("locked", flush=True)
            sys.stdin.read()
            """
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["python3", "-c", program, bench.file("x")]
        let (output, input) = (Pipe(), Pipe())
        (process.standardOutput, process.standardInput) = (output, input)
        try process.run()
        _ = output.fileHandleForReading.availableData
        let error = memoryBackendError { _ = try FileBackend(bench.options("x")) }
        try input.fileHandleForWriting.close()
        process.waitUntilExit()
        #expect(error == .inUse(path: bench.file("x"), holder: process.processIdentifier))
        #expect(error?.description.contains("process \(process.processIdentifier)") == true)
    }

    @Test("what a failed start made is removed, unless another process uses it by now")
    func undo() throws {
        let bench = try Workbench()
        let file = try BackingFile(path: bench.file("x"), readOnly: false)
        let other = try OwnedDescriptor(opening: bench.file("x"), access: .read)
        let isLocked = try other.lock(.shared)
        try #require(isLocked)
        file.undo(wasEmpty: true, isLocked: true)
        #expect(bench.names == ["x"])

        try FileManager.default.moveItem(atPath: bench.file("x"), toPath: bench.file("y"))
        try bench.makeSparse("x", byteCount: 5)
        file.undo(wasEmpty: true, isLocked: false)
        #expect(bench.names == ["x", "y"])

        try FileManager.default.removeItem(atPath: bench.file("x"))
        try FileManager.default.moveItem(atPath: bench.file("y"), toPath: bench.file("x"))
        file.undo(wasEmpty: true, isLocked: false)
        #expect(bench.names.isEmpty)
    }
}
