import Foundation
import Options
import TestDisks
import Testing

@testable import Backend

private let hasQEMU = (try? run(["qemu-system-x86_64", "-version"]))?.status == 0

/// The same disks and options given to a real QEMU: behaviour differs only in the rows of `differences`.
@Suite(.enabled(if: hasQEMU, "qemu-system-x86_64 is not installed")) struct OracleTests {
    /// Rows in which QEMU 7.2 behaves in another way, and why this one was taken.
    static let differences = [
        "directory, read-only": "both refuse; QEMU's reason is 'No such device'",
        "FIFO": "both refuse; QEMU's reason is 'No such device'",
        "FIFO, read-only": "QEMU waits for a writer for ever",
        "socket": "both refuse; QEMU's reason is 'No such device or address'",
        "character device": "QEMU takes it, and nothing persists",
        "dangling link": "QEMU tries again for ever",
        "read-only over nothing": "7.2 creates an empty file; 8.2 refuses",
        "read-only over an empty file": "7.2 maps memory that is not there",
        "NUL in the path": "no command line can hold one",
        "alignment that no address has": "QEMU aborts",
        "largest size": "both refuse, QEMU as out of memory",
        "size beyond addresses": "both refuse, the words differ with the file system",
        "size 0": "7.2 names the object's id here and there not",
    ]

    @Test("rows of the table against QEMU", arguments: FileBackendTests.cases.filter { differences[$0.name] == nil })
    func row(_ row: FileBackendTests.Case) throws {
        let (ours, theirs) = (try Workbench(), try Workbench())
        let ourAnswer = try Self.answer(row, ours) { options in
            memoryBackendError { _ = try FileBackend(options) }?.description
        }
        let theirAnswer = try Self.answer(row, theirs) { options in try Self.askQEMU(options) }
        #expect(
            (ourAnswer == nil) == (theirAnswer == nil),
            "ours: \(ourAnswer ?? "works"), QEMU's: \(theirAnswer ?? "works")")
        if let ourAnswer, let theirAnswer {
            let translated = ourAnswer.replacing(ours.path, with: theirs.path)
            #expect(translated.hasPrefix(theirAnswer), "ours: \(translated), QEMU's: \(theirAnswer)")
        }
        #expect(ours.names == theirs.names)
        #expect(ours.names.map { ours.byteCount($0) } == theirs.names.map { theirs.byteCount($0) })
    }

    private static func answer(
        _ row: FileBackendTests.Case, _ bench: Workbench, _ ask: (FileBackendOptions) throws -> String?
    ) throws -> String? {
        try row.arrange(bench)
        var options = bench.options("x")
        row.change(&options, bench)
        return try ask(options)
    }

    /// QEMU's message; nil if it took the options.
    private static func askQEMU(_ options: FileBackendOptions) throws -> String? {
        var object = "memory-backend-file,id=m,size=\(options.byteCount),mem-path=\(options.path)"
        object += ",share=\(options.isShared ? "on" : "off"),readonly=\(options.opensReadOnly ? "on" : "off")"
        if options.alignment > 0 { object += ",align=\(options.alignment)" }
        let program = "qemu-system-x86_64"
        let result = try run(
            [
                program, "-machine", "none", "-display", "none", "-nodefaults", "-S", "-monitor", "stdio", "-object",
                object,
            ],
            input: "quit\n")
        if result.status == 0 { return nil }
        let line = result.output.split(separator: "\n").last { $0.hasPrefix("\(program): ") }
        return line.map { String($0.dropFirst(program.count + 2)) } ?? "status \(result.status): \(result.output)"
    }
}
