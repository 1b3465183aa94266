import Foundation
import Testing

/// The file behind the memory is cut short, or its disk is full, while the guest runs (issue of durability, "the file misbehaves").
@Suite("The file misbehaves", .enabled(if: Available.kvm, "\(Available.reason)"))
struct MisbehavingFileTests {
    /// Without anybody who could help, the machine ends with a message, and not in silence.
    @Test func fullDiskWithoutAnOperator() throws {
        guard let disk = try Scratch(mounting: ["-t", "tmpfs", "-o", "size=1m", "none"]) else { return }
        let machine = try BareMachine("touch 0x10000000 4M", object: "share=on,mem-path=\(disk.file()),size=4M")
        #expect(try machine.end() == 1)
        #expect(machine.messages.contains("the host could not access guest-physical address 0x10100000"))
        #expect(!machine.transcript.contains("ok touch"))
    }

    /// With a monitor it waits; the operator frees space, and the same store is carried out.
    @Test func fullDiskWithAnOperator() throws {
        guard let disk = try Scratch(mounting: ["-t", "tmpfs", "-o", "size=1m", "none"]) else { return }
        let socket = try Scratch()
        let machine = try BareMachine(
            object: "share=on,mem-path=\(disk.file()),size=4M",
            arguments: ["-qmp", "unix:\(socket.file("qmp")),server=on,wait=off"])
        let line = try OperatorLine(socket.file("qmp"))
        try machine.waitForLine("bare: ready")
        try machine.begin("touch 0x10000000 4M")
        let event = try line.waitForEvent("x-needletail-PMEM_FAULT")
        #expect(
            event.contains(#""id": "nv1""#) && event.contains(disk.file()) && event.contains(#""address": 269484032"#))
        try line.waitForEvent("STOP")
        #expect(try line.ask(#"{"execute":"query-status"}"#).contains(#""status": "io-error""#))
        // Nothing is better yet: it stops again.
        _ = try line.ask(#"{"execute":"cont"}"#)
        try line.waitForEvent("STOP", count: 2)
        #expect(try run(["mount", "-o", "remount,size=8m", disk.path]).status == 0)
        _ = try line.ask(#"{"execute":"cont"}"#)
        try machine.waitForLine("ok touch count=1024")
        #expect(try machine.ask("sum 0x10000000 1") == "ok sum value=1")
        #expect(try machine.ask("peek 0x10100000 1") == "ok peek value=0x01")
        #expect(try line.ask(#"{"execute":"query-status"}"#).contains(#""status": "running""#))
        _ = try line.ask(#"{"execute":"quit"}"#)
        #expect(try machine.end() == 0)
        // Every page that the guest touched is in the file.
        let content = try Data(contentsOf: URL(filePath: disk.file()))
        #expect((0..<1024).allSatisfy { content[$0 * 4096] == 1 })
    }

    @Test func truncatedFile() throws {
        let folder = try Scratch()
        let machine = try BareMachine(object: "share=on,mem-path=\(folder.file()),size=4M")
        #expect(try machine.ask("poke 0x10300000 1 7") == "ok poke")
        try folder.cut(to: 1 << 20)
        try machine.begin("peek 0x10300000 1")
        #expect(try machine.end() == 1)
        #expect(machine.messages.contains("it was made shorter") && machine.messages.contains(folder.file()))
    }

    /// The file comes back, and the guest reads what is there now.
    @Test func truncatedFileThatIsRestored() throws {
        let folder = try Scratch()
        let machine = try BareMachine(
            object: "share=on,mem-path=\(folder.file()),size=4M",
            arguments: ["-qmp", "unix:\(folder.file("qmp")),server=on,wait=off"])
        let line = try OperatorLine(folder.file("qmp"))
        try machine.waitForLine("bare: ready")
        try folder.cut(to: 1 << 20)
        try machine.begin("peek 0x10300000 1")
        let event = try line.waitForEvent("x-needletail-PMEM_FAULT")
        #expect(event.contains("it was made shorter") && event.contains(#""id": "nv1""#))
        #expect(try line.ask(#"{"execute":"cont"}"#).contains("it was made shorter"))
        try folder.cut(to: 4 << 20)
        let file = try FileHandle(forWritingTo: URL(filePath: folder.file()))
        try file.seek(toOffset: 3 << 20)
        try file.write(contentsOf: Data([9]))
        _ = try line.ask(#"{"execute":"cont"}"#)
        try machine.waitForLine("ok peek value=0x09")
        _ = try line.ask(#"{"execute":"quit"}"#)
        #expect(try machine.end() == 0)
    }

    /// A name is not the file: the machine keeps what it opened.
    @Test func deletedOrReplacedFile() throws {
        let folder = try Scratch()
        let machine = try BareMachine("init", object: "share=on,mem-path=\(folder.file()),size=4M")
        try machine.waitForLine("ok init")
        let opened = try FileHandle(forReadingFrom: URL(filePath: folder.file()))
        try FileManager.default.removeItem(atPath: folder.file())
        try Data("another".utf8).write(to: URL(filePath: folder.file()))
        #expect(try machine.ask("poke 0x10000000 1 7") == "ok poke")
        #expect(try machine.ask("flush").contains("ret=0"))
        try machine.begin("power-off")
        #expect(try machine.end() == 0)
        #expect(try opened.read(upToCount: 1) == Data([7]))
        #expect(try Data(contentsOf: URL(filePath: folder.file())) == Data("another".utf8))
    }
}
