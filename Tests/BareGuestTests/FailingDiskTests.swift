import Foundation
import Testing

/// A disk that fails: ext4 on a loop device whose own file has no space to grow, so that writes to the "disk" are errors
/// (ENOSPC, or EIO with older kernels).
final class FailingDisk: Sendable {
    private let lower: Scratch
    let files: Scratch

    /// nil, after printing why, where mounting is not allowed.
    init?() throws {
        guard let lower = try Scratch(mounting: ["-t", "tmpfs", "-o", "size=32m", "none"]) else { return nil }
        self.lower = lower
        let image = lower.file("image")
        let made = try run([
            "sh", "-c",
            "truncate -s 16M \(image) && mkfs.ext4 -q -b 4096 -O ^has_journal -E lazy_itable_init=0 \(image)",
        ])
        guard made.status == 0, let files = try Scratch(mounting: ["-o", "loop,errors=continue", image]) else {
            print("not tested: no ext4 on a loop device: \(made.output)")
            return nil
        }
        self.files = files
    }

    /// From now on the disk takes nothing that it does not have yet.
    func fail() throws {
        #expect(
            try run(["sh", "-c", "sync; dd if=/dev/zero of=\(lower.file("filler")) bs=64k 2>/dev/null; true"]).status
                == 0)
    }

    func recover() throws { try FileManager.default.removeItem(atPath: lower.file("filler")) }
}

@Suite("A failing disk", .serialized, .enabled(if: Available.kvm, "\(Available.reason)"))
struct FailingDiskTests {
    /// The flush fails, and so does every later one, though the disk works again and the machine was started over: the kernel
    /// has forgotten what it could not write. An operator ends that.
    @Test func aFailedFlushStaysFailed() throws {
        guard let disk = try FailingDisk() else { return }
        let socket = try Scratch()
        let machine = try BareMachine(
            object: "share=on,mem-path=\(disk.files.file()),size=4M",
            arguments: ["-qmp", "unix:\(socket.file("qmp")),server=on,wait=off"])
        let line = try OperatorLine(socket.file("qmp"))
        try machine.waitForLine("bare: ready")
        #expect(try machine.ask("init").hasPrefix("ok init"))
        #expect(try machine.ask("poke 0x10000000 1 7") == "ok poke")
        #expect(try machine.ask("flush").contains("ret=0"))
        try disk.fail()
        #expect(try machine.ask("touch 0x10100000 1M").hasPrefix("ok touch"))
        #expect(try machine.ask("flush").contains("ret=-1"))
        let event = try line.waitForEvent("x-needletail-PMEM_FLUSH_FAILED")
        #expect(event.contains(#""id": "nv1""#) && event.contains(disk.files.file()) && event.contains(#""errno": "E"#))
        #expect(machine.messages.contains("\(disk.files.file()) could not be synchronized: "))
        try disk.recover()
        #expect(try machine.ask("flush 3").contains("ret=-1"))
        let figures = try line.ask(#"{"execute":"x-needletail-query-pmem"}"#)
        #expect(figures.contains(#""failure": "E"#) && figures.contains(#""flushes-failed": 4"#))
        _ = try line.ask(#"{"execute":"system_reset"}"#)
        try machine.wait(for: "the second start") {
            machine.transcript.components(separatedBy: "bare: ready").count == 3
        }
        #expect(try machine.ask("init").hasPrefix("ok init"))
        #expect(try machine.ask("flush").contains("ret=-1"))
        let answer = try line.ask(#"{"execute":"x-needletail-clear-failure","arguments":{"id":"nv1"}}"#)
        #expect(answer == "{\"return\": {}}")
        #expect(try machine.ask("touch 0x10100000 1M").hasPrefix("ok touch"))
        #expect(try machine.ask("flush").contains("ret=0"))
        _ = try line.ask(#"{"execute":"quit"}"#)
        #expect(try machine.end() == 0)
    }

    /// A machine that ends with a failure that nobody cleared says so by its exit status.
    @Test func theMachineEndsWithTheFailure() throws {
        guard let disk = try FailingDisk() else { return }
        let machine = try BareMachine("init", object: "share=on,mem-path=\(disk.files.file()),size=4M")
        try machine.waitForLine("ok init")
        try disk.fail()
        #expect(try machine.ask("touch 0x10100000 1M").hasPrefix("ok touch"))
        #expect(try machine.ask("flush").contains("ret=-1"))
        try disk.recover()
        try machine.begin("power-off")
        #expect(try machine.end() == 1)
        #expect(machine.messages.contains("what the guest wrote since its last flush may be lost"))
    }
}
