import Foundation
import TestDisks
import Testing

/// The file behind the memory is cut short, or its disk is full, while the guest runs (issue of durability, "the file
/// misbehaves").
@Suite("The file misbehaves", .enabled(if: Needletail.hasKVM, "\(Needletail.noKVM)"))
struct MisbehavingFileTests {
    /// Without an operator, the machine ends with a message.
    @Test(.disabled(if: TemporaryMount.memoryProblem != nil, "\(TemporaryMount.memoryProblem ?? "")"))
    func fullDiskWithoutAnOperator() throws {
        let disk = try TemporaryMount.memory("size=1m")
        let process = try Machine.start(
            "touch 0x10000000 4M", object: "share=on,mem-path=\(disk.file("disk.img")),size=4M")
        #expect(process.wait() == .exited(1))
        #expect(process.errors.contains("the host could not access guest-physical address 0x10100000"))
        #expect(!process.output.contains("ok touch"))
    }

    /// With a monitor it waits; the operator frees space, and the same store is carried out.
    @Test(.disabled(if: TemporaryMount.memoryProblem != nil, "\(TemporaryMount.memoryProblem ?? "")"))
    func fullDiskWithAnOperator() throws {
        let disk = try TemporaryMount.memory("size=1m")
        let socket = try WorkFolder()
        let process = try Machine.start(
            object: "share=on,mem-path=\(disk.file("disk.img")),size=4M",
            arguments: OperatorLine.options(in: socket))
        let line = try OperatorLine(in: socket)
        try process.waitForLine("bare: ready")
        process.send("touch 0x10000000 4M\n")
        let event = try line.waitForEvent("x-needletail-PMEM_FAULT")
        #expect(
            event.contains(#""id": "nv1""#) && event.contains(disk.file("disk.img"))
                && event.contains(#""address": 269484032"#))
        try line.waitForEvent("STOP")
        #expect(try line.ask(#"{"execute":"query-status"}"#).contains(#""status": "io-error""#))
        // Nothing is better yet: it stops again.
        _ = try line.ask(#"{"execute":"cont"}"#)
        try line.waitForEvent("STOP", count: 2)
        try disk.remount("size=8m")
        _ = try line.ask(#"{"execute":"cont"}"#)
        try process.waitForLine("ok touch count=1024")
        #expect(try process.ask("sum 0x10000000 1") == "ok sum value=1")
        #expect(try process.ask("peek 0x10100000 1") == "ok peek value=0x01")
        #expect(try line.ask(#"{"execute":"query-status"}"#).contains(#""status": "running""#))
        _ = try line.ask(#"{"execute":"quit"}"#)
        #expect(process.wait() == .exited(0))
        // Every page that the guest touched is in the file.
        let content = try Data(contentsOf: URL(filePath: disk.file("disk.img")))
        #expect((0..<1024).allSatisfy { content[$0 * 4096] == 1 })
    }

    @Test func truncatedFile() throws {
        let folder = try WorkFolder()
        let process = try Machine.start(object: "share=on,mem-path=\(folder.file("disk.img")),size=4M")
        #expect(try process.ask("poke 0x10300000 1 7") == "ok poke")
        _ = try folder.makeSparse("disk.img", byteCount: 1 << 20)
        process.send("peek 0x10300000 1\n")
        #expect(process.wait() == .exited(1))
        #expect(
            process.errors.contains("it was made shorter") && process.errors.contains(folder.file("disk.img")))
    }

    /// The file comes back, and the guest reads what is there now.
    @Test func truncatedFileThatIsRestored() throws {
        let folder = try WorkFolder()
        let process = try Machine.start(
            object: "share=on,mem-path=\(folder.file("disk.img")),size=4M",
            arguments: OperatorLine.options(in: folder))
        let line = try OperatorLine(in: folder)
        try process.waitForLine("bare: ready")
        _ = try folder.makeSparse("disk.img", byteCount: 1 << 20)
        process.send("peek 0x10300000 1\n")
        let event = try line.waitForEvent("x-needletail-PMEM_FAULT")
        #expect(event.contains("it was made shorter") && event.contains(#""id": "nv1""#))
        #expect(try line.ask(#"{"execute":"cont"}"#).contains("it was made shorter"))
        _ = try folder.makeSparse("disk.img", byteCount: 4 << 20)
        let file = try FileHandle(forWritingTo: URL(filePath: folder.file("disk.img")))
        try file.seek(toOffset: 3 << 20)
        try file.write(contentsOf: Data([9]))
        _ = try line.ask(#"{"execute":"cont"}"#)
        try process.waitForLine("ok peek value=0x09")
        _ = try line.ask(#"{"execute":"quit"}"#)
        #expect(process.wait() == .exited(0))
    }

    /// A name is not the file: the machine keeps what it opened.
    @Test func deletedOrReplacedFile() throws {
        let folder = try WorkFolder()
        let process = try Machine.start("init", object: "share=on,mem-path=\(folder.file("disk.img")),size=4M")
        try process.waitForLine("ok init")
        let opened = try FileHandle(forReadingFrom: URL(filePath: folder.file("disk.img")))
        try FileManager.default.removeItem(atPath: folder.file("disk.img"))
        try Data("another".utf8).write(to: URL(filePath: folder.file("disk.img")))
        #expect(try process.ask("poke 0x10000000 1 7") == "ok poke")
        #expect(try process.ask("flush").contains("ret=0"))
        process.send("power-off\n")
        #expect(process.wait() == .exited(0))
        #expect(try opened.read(upToCount: 1) == Data([7]))
        #expect(try Data(contentsOf: URL(filePath: folder.file("disk.img"))) == Data("another".utf8))
    }
}
