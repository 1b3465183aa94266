import Foundation
import TestDisks
import Testing

@Suite(
    "A failing disk", .serialized, .enabled(if: Needletail.hasKVM, "\(Needletail.noKVM)"),
    .disabled(if: TemporaryMount.ext4Problem != nil, "\(TemporaryMount.ext4Problem ?? "")"))
struct FailingDiskTests {
    /// The flush fails, and so does every later one, though the disk works again and the machine was started over: the
    /// kernel has forgotten what it could not write. An operator ends that.
    @Test func aFailedFlushStaysFailed() throws {
        let disk = try FailingDisk()
        let socket = try WorkFolder()
        let process = try Machine.start(
            object: "share=on,mem-path=\(disk.files.file("disk.img")),size=4M",
            arguments: OperatorLine.options(in: socket))
        let line = try OperatorLine(in: socket)
        try process.waitForLine("bare: ready")
        #expect(try process.ask("init").hasPrefix("ok init"))
        #expect(try process.ask("poke 0x10000000 1 7") == "ok poke")
        #expect(try process.ask("flush").contains("ret=0"))
        try disk.fail()
        #expect(try process.ask("touch 0x10100000 1M").hasPrefix("ok touch"))
        #expect(try process.ask("flush").contains("ret=-1"))
        let event = try line.waitForEvent("x-needletail-PMEM_FLUSH_FAILED")
        #expect(
            event.contains(#""id": "nv1""#) && event.contains(disk.files.file("disk.img"))
                && event.contains(#""errno": "E"#))
        #expect(process.errors.contains("\(disk.files.file("disk.img")) could not be synchronized: "))
        try disk.recover()
        #expect(try process.ask("flush 3").contains("ret=-1"))
        let figures = try line.ask(#"{"execute":"x-needletail-query-pmem"}"#)
        #expect(figures.contains(#""failure": "E"#) && figures.contains(#""flushes-failed": 4"#))
        _ = try line.ask(#"{"execute":"system_reset"}"#)
        #expect(eventually(seconds: 40) { process.output.components(separatedBy: "bare: ready").count == 3 })
        #expect(try process.ask("init").hasPrefix("ok init"))
        #expect(try process.ask("flush").contains("ret=-1"))
        let answer = try line.ask(#"{"execute":"x-needletail-clear-failure","arguments":{"id":"nv1"}}"#)
        #expect(answer == "{\"return\": {}}")
        #expect(try process.ask("touch 0x10100000 1M").hasPrefix("ok touch"))
        #expect(try process.ask("flush").contains("ret=0"))
        _ = try line.ask(#"{"execute":"quit"}"#)
        #expect(process.wait() == .exited(0))
    }

    /// The exit status tells of a failure that was not cleared.
    @Test func theMachineEndsWithTheFailure() throws {
        let disk = try FailingDisk()
        let process = try Machine.start("init", object: "share=on,mem-path=\(disk.files.file("disk.img")),size=4M")
        try process.waitForLine("ok init")
        try disk.fail()
        #expect(try process.ask("touch 0x10100000 1M").hasPrefix("ok touch"))
        #expect(try process.ask("flush").contains("ret=-1"))
        try disk.recover()
        process.send("power-off\n")
        #expect(process.wait() == .exited(1))
        #expect(process.errors.contains("what the guest wrote since its last flush may be lost"))
    }
}
