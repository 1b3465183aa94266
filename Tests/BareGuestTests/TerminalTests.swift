import Foundation
import Glibc
import Testing

/// How a monitor on a terminal ends.
struct TerminalEnding: Sendable {
    var keys = ""
    var signal: Int32 = 0
    let end: ProcessEnd
}

@Suite("On a terminal", .enabled(if: Needletail.hasKVM, "\(Needletail.noKVM)"))
struct TerminalTests {
    private func start(_ serial: [String] = ["-nographic"]) throws -> (Terminal, HostProcess, before: [UInt32]) {
        var machine = try Machine.withDevice()
        machine.serial = serial
        let terminal = try Terminal()
        let before = terminal.settings
        let process = try machine.start("echo there", input: .terminal(terminal))
        #expect(terminal.shows("ok echo there"), "\(terminal.text)")
        return (terminal, process, before)
    }

    @Test(
        "it is raw while the guest runs, and given back whatever happens",
        arguments: [
            TerminalEnding(keys: "power-off\n", end: .exited(0)),
            TerminalEnding(keys: "fault int3\n", end: .exited(1)),
            TerminalEnding(keys: "\u{1}x", end: .exited(0)),
            TerminalEnding(signal: SIGTERM, end: .exited(128 + SIGTERM)),
            TerminalEnding(signal: SIGHUP, end: .exited(128 + SIGHUP)),
            TerminalEnding(signal: SIGQUIT, end: .killed(by: SIGQUIT)),
            TerminalEnding(signal: SIGSEGV, end: .killed(by: SIGSEGV)),
            TerminalEnding(signal: SIGABRT, end: .killed(by: SIGABRT)),
        ])
    func restored(_ test: TerminalEnding) throws {
        let (terminal, process, before) = try start()
        #expect(terminal.isRaw && !terminal.hasSignals)
        if test.signal != 0 { process.signal(test.signal) } else { terminal.type(test.keys) }
        #expect(process.wait() == test.end, "\(terminal.text)")
        #expect(terminal.settings == before)
    }

    @Test("a monitor that cannot start leaves it as it was") func failedStart() throws {
        var machine = try Machine.withDevice()
        machine.options += ["-initrd", "/dev/null"]
        let terminal = try Terminal()
        let before = terminal.settings
        #expect(try machine.start(input: .terminal(terminal)).wait() == .exited(1))
        #expect(terminal.settings == before)
    }

    @Test("Ctrl-A h, Ctrl-A Ctrl-A") func escapes() throws {
        let (terminal, process, _) = try start()
        terminal.type("\u{1}h")
        #expect(terminal.shows("C-a x"), "\(terminal.text)")
        terminal.type("echo a\u{1}\u{1}b\n")
        #expect(terminal.shows("ok echo a\u{1}b"), "\(terminal.text)")
        terminal.type("power-off\n")
        #expect(process.wait() == .exited(0))
    }

    @Test(
        "Ctrl-A c switches between the guest and the monitor", arguments: [["-nographic"], ["-serial", "mon:stdio"]])
    func monitor(_ serial: [String]) throws {
        let (terminal, process, before) = try start(serial)
        terminal.type("\u{1}cinfo status\r")
        #expect(terminal.shows("monitor - type 'help' for more information"), "\(terminal.text)")
        #expect(terminal.shows("VM status: running"), "\(terminal.text)")
        // What was begun is dropped; the guest has its keys again.
        terminal.type("echo not-for-the-guest")
        terminal.type("\u{1}cecho again\n")
        #expect(terminal.shows("ok echo again"), "\(terminal.text)")
        #expect(!terminal.text.contains("ok echo not-for"))
        // The history is still there, and the guest does not run while it is stopped.
        terminal.type("\u{1}cstop\r\u{1B}[A\u{1B}[A\r")
        #expect(terminal.shows("VM status: paused"), "\(terminal.text)")
        terminal.type("\u{1}cecho late\n\u{1}ccont\r")
        #expect(terminal.shows("ok echo late"), "\(terminal.text)")
        terminal.type("quit\r")
        #expect(process.wait() == .exited(0), "\(terminal.text)")
        #expect(terminal.settings == before)
    }

    @Test("a pipe works as well as a terminal") func pipe() throws {
        let process = try Machine.withDevice().start("echo there", input: .pipe)
        process.send("\u{1}cinfo status\rquit\r")
        #expect(process.wait() == .exited(0), "\(process.errors)")
        #expect(process.output.contains("VM status: running"), "\(process.output)")
    }

    @Test("a monitor elsewhere leaves Ctrl-A to the guest and Ctrl-C to the program, as QEMU does")
    func monitorElsewhere() throws {
        let (terminal, process, _) = try start(["-nographic", "-monitor", "none"])
        #expect(terminal.isRaw && terminal.hasSignals)
        terminal.type("echo \u{1}x\n")
        #expect(terminal.shows("ok echo \u{1}x"), "\(terminal.text)")
        terminal.type("\u{3}")
        #expect(process.wait() == .exited(128 + SIGINT), "\(terminal.text)")
    }

    @Test("Ctrl-C belongs to the guest under -nographic") func controlCForGuest() throws {
        let (terminal, process, _) = try start()
        terminal.type("echo a\u{3}b\n")
        #expect(terminal.shows("ok echo a\u{3}b"), "\(terminal.text)")
        terminal.type("power-off\n")
        #expect(process.wait() == .exited(0))
    }

    @Test("Ctrl-C ends the monitor under -serial stdio") func controlCForMonitor() throws {
        let (terminal, process, before) = try start(["-serial", "stdio"])
        #expect(terminal.isRaw && terminal.hasSignals)
        terminal.type("\u{1}x\u{3}")
        #expect(process.wait() == .exited(128 + SIGINT), "\(terminal.text)")
        #expect(terminal.settings == before)
    }

    @Test("Ctrl-A x quits although the guest reads nothing") func quitWhileGuestHangs() throws {
        let (terminal, process, _) = try start()
        terminal.type("spin\n")
        #expect(terminal.shows("ok spin"))
        for _ in 0..<20 { terminal.type(String(repeating: "y", count: 100)) }
        terminal.type("\u{1}x")
        #expect(process.wait(seconds: 10) == .exited(0))
    }
}
