import Host
import QEMUDialect
import Synchronization
import Testing

@testable import Monitor

/// The monitor behind Ctrl-A c: it is asked by the thread that its commands wait for.
@Suite struct SharedTerminalTests {
    private func shows(_ text: String, _ transcript: Transcript) -> Bool {
        for _ in 0..<2000 where !transcript.text.contains(text) { Sleep.milliseconds(5) }
        return transcript.text.contains(text)
    }

    @Test func greetsOnceAndPromptsAgain() throws {
        let transcript = Transcript()
        let monitor = try SharedTerminalMonitor(FakeMachine()) { transcript.append($0) }
        monitor.gainFocus()
        monitor.receive(Array("info name\rquit".utf8))
        monitor.loseFocus()
        monitor.gainFocus()
        monitor.receive(Array("info kvm\r".utf8))
        #expect(shows("kvm support: enabled\r\n(qemu) ", transcript))
        monitor.finish()
        #expect(transcript.text.components(of: "monitor - type 'help'") == 1)
        // What was begun when the keys went elsewhere is gone: the prompt comes back with an empty line.
        #expect(
            transcript.text.contains("box\r\n(qemu) quit\u{1B}[K\r\n(qemu) info kvm\u{1B}[K\r\n"), "\(transcript.text)")
    }

    /// A command that takes its time does not keep the caller, and nothing that was typed behind it is carried out
    /// after the end.
    @Test func theCallerNeverWaits() throws {
        let (transcript, gate) = (Transcript(), ConditionLock(false))
        let monitor = try SharedTerminalMonitor(FakeMachine()) { bytes in
            gate.wait(while: { !$0 }, then: { _ in })
            transcript.append(bytes)
        }
        monitor.gainFocus()
        for _ in 0..<1000 { monitor.receive(Array("info name\r".utf8)) }
        #expect(transcript.text.isEmpty)
        gate.withLock { $0 = true }
        monitor.finish()
        let answers = transcript.text.components(of: "box\r\n")
        #expect(answers <= 1000)
        monitor.receive(Array("info name\r".utf8))
        #expect(transcript.text.components(of: "box\r\n") == answers)
    }
}

extension String {
    /// How often a text occurs.
    fileprivate func components(of text: String) -> Int {
        split(separator: text, omittingEmptySubsequences: false).count - 1
    }
}
