import Foundation
import Host
import Options
import SystemPackage
import TestDisks
import Testing

@testable import Backend

@Suite struct FileBackendTests {
    /// One state of the disk, options over it, and what must come of it.
    struct Case: CustomTestStringConvertible, Sendable {
        enum Outcome: Sendable {
            /// The size in bytes of the file `x` afterwards; nil if there must be none.
            case works(fileByteCount: UInt64?)
            /// The start of the message, `PATH` standing for the file's path, and a part of the advice in it.
            case fails(String, advice: String)
        }

        let name: String
        var arrange: @Sendable (Workbench) throws -> Void = { _ in }
        var change: @Sendable (inout FileBackendOptions, Workbench) -> Void = { _, _ in }
        let outcome: Outcome
        var testDescription: String { name }
    }

    static let cases: [Case] = [
        Case(name: "missing", outcome: .works(fileByteCount: 4 << 20)),
        Case(
            name: "missing, private", change: { options, _ in options.isShared = false },
            outcome: .works(fileByteCount: 4 << 20)),
        Case(name: "empty", arrange: { try $0.makeSparse("x", byteCount: 0) }, outcome: .works(fileByteCount: 4 << 20)),
        Case(
            name: "exact", arrange: { try $0.makeSparse("x", byteCount: 4 << 20) },
            outcome: .works(fileByteCount: 4 << 20)),
        Case(
            name: "larger", arrange: { try $0.makeSparse("x", byteCount: 6 << 20) },
            outcome: .works(fileByteCount: 6 << 20)),
        Case(
            name: "smaller", arrange: { try $0.makeSparse("x", byteCount: 1 << 20) },
            outcome: .fails(
                "backing store size 0x100000 does not match 'size' option 0x400000", advice: "truncate -s 4M")),
        Case(
            name: "directory", change: { options, bench in options.path = bench.path },
            outcome: .works(fileByteCount: nil)),
        Case(
            name: "directory, read-only",
            change: { options, bench in (options.path, options.opensReadOnly) = (bench.path, true) },
            outcome: .fails("can't open backing store DIRECTORY for guest RAM: Is a directory", advice: "readonly")),
        Case(
            name: "parent missing", change: { options, bench in options.path = bench.file("nodir/x") },
            outcome: .fails(
                "can't open backing store DIRECTORY/nodir/x for guest RAM: No such file or directory",
                advice: "create its directory")),
        Case(
            name: "parent is a file", arrange: { try $0.makeSparse("f", byteCount: 0) },
            change: { options, bench in options.path = bench.file("f/x") },
            outcome: .fails("can't open backing store DIRECTORY/f/x for guest RAM: Not a directory", advice: "")),
        Case(
            name: "empty path", change: { options, _ in options.path = "" },
            outcome: .fails("can't open backing store  for guest RAM: No such file or directory", advice: "")),
        Case(
            name: "NUL in the path", arrange: { try $0.makeSparse("x", byteCount: 4 << 20) },
            change: { options, _ in options.path += "\0y" },
            outcome: .fails("can't open backing store", advice: "Invalid argument")),
        Case(
            name: "FIFO", arrange: { bench in _ = try run(["mkfifo", bench.file("x")]) },
            outcome: .fails("can't open backing store PATH for guest RAM", advice: "a FIFO")),
        Case(
            name: "FIFO, read-only", arrange: { bench in _ = try run(["mkfifo", bench.file("x")]) },
            change: { options, _ in options.opensReadOnly = true },
            outcome: .fails("can't open backing store PATH for guest RAM", advice: "a FIFO")),
        Case(
            name: "socket", arrange: { try $0.makeSocket("x") },
            outcome: .fails("can't open backing store PATH for guest RAM", advice: "a socket")),
        Case(
            name: "character device", change: { options, _ in options.path = "/dev/zero" },
            outcome: .fails("can't open backing store /dev/zero for guest RAM", advice: "Real NVDIMM")),
        Case(
            name: "link to a file",
            arrange: { bench in
                try bench.makeSparse("target", byteCount: 4 << 20)
                try FileManager.default.createSymbolicLink(atPath: bench.file("x"), withDestinationPath: "target")
            }, outcome: .works(fileByteCount: 6)),
        Case(
            name: "dangling link",
            arrange: { bench in
                try FileManager.default.createSymbolicLink(atPath: bench.file("x"), withDestinationPath: "nowhere")
            }, outcome: .fails("can't open backing store PATH for guest RAM", advice: "symbolic link")),
        Case(
            name: "read-only over nothing", change: { options, _ in options.opensReadOnly = true },
            outcome: .fails(
                "can't open backing store PATH for guest RAM: No such file or directory",
                advice: "readonly=on creates none")),
        Case(
            name: "read-only over an empty file", arrange: { try $0.makeSparse("x", byteCount: 0) },
            change: { options, _ in options.opensReadOnly = true },
            outcome: .fails("backing store size 0x0 does not match 'size' option 0x400000", advice: "truncate")),
        Case(
            name: "read-only", arrange: { try $0.makeSparse("x", byteCount: 4 << 20) },
            change: { options, _ in options.opensReadOnly = true }, outcome: .works(fileByteCount: 4 << 20)),
        Case(
            name: "no whole pages", change: { options, _ in options.byteCount = 5000 },
            outcome: .works(fileByteCount: 8192)),
        Case(
            name: "no whole pages, file of just that size", arrange: { try $0.makeSparse("x", byteCount: 5000) },
            change: { options, _ in options.byteCount = 5000 },
            outcome: .fails("backing store size 0x1388 does not match 'size' option 0x2000", advice: "")),
        Case(
            name: "no multiple of 2 MiB", change: { options, _ in options.byteCount = 3 << 20 },
            outcome: .works(fileByteCount: 3 << 20)),
        Case(
            name: "alignment of 3000", change: { options, _ in options.alignment = 3000 },
            outcome: .fails("alignment 0xbb8 must be multiples of page size 0x1000", advice: "")),
        Case(
            name: "alignment of 3 MiB", change: { options, _ in options.alignment = 3 << 20 },
            outcome: .fails("alignment 0x300000 must be a power of two", advice: "")),
        Case(
            name: "alignment that no address has", change: { options, _ in options.alignment = 1 << 63 },
            outcome: .fails("unable to map backing store PATH for guest RAM: Cannot allocate memory", advice: "")),
        Case(
            name: "alignment of 16 MiB", change: { options, _ in options.alignment = 16 << 20 },
            outcome: .works(fileByteCount: 4 << 20)),
        Case(
            name: "size 0", change: { options, _ in options.byteCount = 0 },
            outcome: .fails("property 'size' of memory-backend-file doesn't take value '0'", advice: "")),
        Case(
            name: "largest size", change: { options, _ in options.byteCount = .max },
            outcome: .fails("'size' option", advice: "larger")),
        Case(
            name: "size beyond addresses", change: { options, _ in options.byteCount = 1 << 62 },
            outcome: .fails("", advice: "")),
    ]

    @Test("each state of the disk", arguments: Workbench.places, cases)
    func states(_ place: String, _ row: Case) throws {
        let bench = try Workbench(in: place)
        try row.arrange(bench)
        let before = bench.names.map { "\($0) \(bench.byteCount($0) ?? 0)" }
        var options = bench.options("x")
        row.change(&options, bench)
        switch row.outcome {
        case .works(let byteCount):
            let backend = try FileBackend(options)
            #expect(bench.byteCount("x") == byteCount)
            #expect(backend.mapping.hostAddress % max(2 << 20, options.alignment) == 0)
            #expect(try backend.mapping.loadByte(at: backend.mapping.byteCount - 1) == 0)
            try backend.synchronize()
        case .fails(let start, let advice):
            let error = memoryBackendError { _ = try FileBackend(options) }
            let text = try #require(error).description
            let expected = start.replacing("PATH", with: bench.file("x")).replacing("DIRECTORY", with: bench.path)
            #expect(text.hasPrefix(expected), "\(text)")
            #expect(advice.isEmpty || text.contains(advice), "\(text)")
            #expect(bench.names.map { "\($0) \(bench.byteCount($0) ?? 0)" } == before)
        }
    }

    @Test("a new file is sparse and has mode 0644 less the umask")
    func newFile() throws {
        let bench = try Workbench()
        _ = try FileBackend(bench.options("x", byteCount: 1 << 30))
        let text = try run(["stat", "-c", "%a %s %b", bench.file("x")]).output
        #expect(text.split(separator: " ").first.map { ["644", "640", "600"].contains(String($0)) } == true, "\(text)")
        #expect(text.contains(" 1073741824 0"), "\(text)")
    }
}

extension Workbench {
    func makeSocket(_ name: String) throws {
        _ = try run(["python3", "-c", "import socket,sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])", file(name)])
        try #require(FileStatus(path: file(name)).kind == .socket)
    }
}
