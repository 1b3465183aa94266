import Foundation
import Synchronization
import Testing

/// A command that takes long delays the client that sent it, and no other.
@Suite("Slow commands", .enabled(if: Needletail.hasKVM, "\(Needletail.noKVM)"))
struct SlowCommandTests {
    @Test func anotherClientIsAnsweredMeanwhile() throws {
        var machine = try Machine()
        let (slow, quick) = (machine.folder.file("slow"), machine.folder.file("quick"))
        for path in [slow, quick] { machine.options += ["-qmp", "unix:\(path),server=on,wait=off"] }
        let process = try machine.start("echo started")
        let (slowLine, quickLine) = (try OperatorLine(slow), try OperatorLine(quick))
        #expect(process.hasSaid("ok echo started"))

        let duration = Mutex(0.0)
        let thread = Thread {
            let begin = Date()
            _ = try? slowLine.ask(
                #"{"execute":"object-add","arguments":{"qom-type":"memory-backend-ram","id":"m","size":536870912,"prealloc":true}}"#
            )
            duration.withLock { $0 = Date().timeIntervalSince(begin) }
        }
        thread.start()
        var longest = 0.0
        var isNameTaken = false
        while duration.withLock({ $0 }) == 0 {
            let begin = Date()
            _ = try quickLine.ask(#"{"execute":"query-status"}"#)
            longest = max(longest, Date().timeIntervalSince(begin))
            // The name is taken although the object is not there yet.
            isNameTaken =
                try quickLine.ask(
                    #"{"execute":"object-add","arguments":{"qom-type":"memory-backend-ram","id":"m","size":4096}}"#
                ).contains("attempt to add duplicate property 'm'") || isNameTaken
        }
        #expect(isNameTaken)
        #expect(longest < duration.withLock { $0 } / 2)
        #expect(try quickLine.ask(#"{"execute":"object-del","arguments":{"id":"m"}}"#).contains("return"))
        process.signal(SIGTERM)
        #expect(process.wait() == .exited(128 + SIGTERM))
    }

    @Test(
        "a reset that waits for a flush delays no other command",
        .enabled(if: StallingDisk.isPossible, "\(StallingDisk.reason)"))
    func resetDuringAFlush() throws {
        let disk = try StallingDisk()
        var machine = try Machine()
        machine.options += ["-object", "memory-backend-file,id=mem,share=on,mem-path=\(disk.file),size=4M"]
        machine.options += ["-device", "virtio-pmem-pci,memdev=mem,id=nv1,memaddr=0x40000000"]
        machine.options += OperatorLine.options(in: machine.folder)
        let process = try machine.start("scan;init;poke 0x40000000 4 1;echo there", input: .pipe)
        // Or the process could not be ended where the test fails.
        defer { disk.end() }
        let line = try OperatorLine(in: machine.folder)
        #expect(process.hasSaid("ok echo there"), "\(process.errors)")
        disk.stall()
        // The guest's `flush` waits for its answer, which does not come.
        process.send("flush\n")
        #expect(eventually { (try? isFlushing(process)) == true })
        #expect(try line.ask(#"{"execute":"system_reset"}"#).contains("return"))
        for _ in 0..<5 {
            #expect(try line.ask(#"{"execute":"query-status"}"#).contains("running"))
            #expect(try line.ask(#"{"execute":"query-pci"}"#).contains("return"))
            #expect(try line.ask(#"{"execute":"x-needletail-query-pmem"}"#).contains("nv1"))
        }
        // Without its server the file system answers with errors: the flush ends, the guest starts over, and its file
        // is lost.
        disk.end()
        #expect(eventually { process.output.components(separatedBy: "bare: ready").count == 3 }, "\(process.output)")
        process.signal(SIGTERM)
        #expect(process.wait(seconds: 10) == .exited(1), "\(process.errors)")
        #expect(process.errors.contains("could not be synchronized"), "\(process.errors)")
    }

    /// Whether a thread of it waits for the file's pages to be written.
    private func isFlushing(_ process: HostProcess) throws -> Bool {
        let tasks = "/proc/\(process.identifier)/task"
        return try FileManager.default.contentsOfDirectory(atPath: tasks).contains { task in
            textOfFile("\(tasks)/\(task)/stat").contains(") D ")
        }
    }
}
