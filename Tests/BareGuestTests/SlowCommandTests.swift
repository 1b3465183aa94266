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
}
