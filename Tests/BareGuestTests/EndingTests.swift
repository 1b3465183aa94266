import Foundation
import Glibc
import Testing

/// What the guest does to its processor, and what the monitor says of it.
struct FaultCase: Sendable {
    let command: String
    let message: [String]
}

@Suite("How the monitor ends", .enabled(if: Needletail.hasKVM, "\(Needletail.noKVM)"))
struct EndingTests {
    @Test(
        "a processor that cannot go on ends the monitor with its registers",
        arguments: [
            // Emulated instructions are a property of this machine's KVM; elsewhere a breakpoint is a triple fault as
            // well.
            FaultCase(command: "fault int3", message: ["vCPU 0"])
        ])
    func faults(_ test: FaultCase) throws {
        let machine = try Machine.withDevice()
        let process = try machine.start("scan;init;write 0x40000000 kept;\(test.command)")
        #expect(process.wait() == .exited(1))
        for part in test.message + ["vCPU 0 registers", "rip=00000000001", "cr0=", "efer="] {
            #expect(process.errors.contains(part), "\(process.errors)")
        }
        #expect(
            try machine.folder.text(of: "pmem.img", at: 0, count: 4) == "kept", "files are synchronized all the same")
    }

    @Test("a triple fault is a reset: the machine starts over, and says so in one line") func tripleFault() throws {
        let machine = try Machine.withDevice()
        // The file keeps what the guest wrote before.
        let process = try machine.start("scan;dump 0x40000000 4;write 0x40000000 once;fault", input: .pipe)
        #expect(eventually { process.output.contains("bytes=6f6e6365") }, "\(process.output)\(process.errors)")
        process.signal(SIGTERM)
        #expect(process.wait() == .exited(128 + SIGTERM))
        let lines = process.errors.split(separator: "\n").filter { $0.contains("triple fault") }
        for part in ["vCPU 0: triple fault", "rip=00000000001", "cr0=", "efer=", "ss="] {
            #expect(lines.first?.contains(part) == true, "\(process.errors)")
        }
        // A guest that does nothing else fills no log.
        #expect((1...32).contains(lines.count), "\(lines.count)")
    }

    @Test("-no-reboot: a triple fault ends with status 0, and QMP says guest-reset") func tripleFaultWithoutReboot()
        throws
    {
        var machine = try Machine.withDevice()
        let socket = machine.folder.file("qmp")
        machine.options += ["-no-reboot", "-S", "-qmp", "unix:\(socket),server=on,wait=off"]
        let process = try machine.start("scan;init;write 0x40000000 kept;fault")
        let qmp = try OperatorLine(socket)
        #expect(try qmp.ask(#"{"execute":"cont"}"#).contains("return"))
        #expect(try qmp.waitForEvent("SHUTDOWN").contains(#""reason": "guest-reset""#))
        #expect(process.wait() == .exited(0), "\(process.errors)")
        #expect(process.errors.contains("triple fault"), "\(process.errors)")
        #expect(
            try machine.folder.text(of: "pmem.img", at: 0, count: 4) == "kept", "files are synchronized all the same")
    }

    @Test("a signal ends a guest that sleeps, spins or waits for input", arguments: ["halt", "spin", ""])
    func signals(_ command: String) throws {
        let process = try Machine.withDevice().start("scan;init;echo there;\(command)", input: .pipe)
        #expect(process.hasSaid("ok echo there"))
        process.signal(SIGTERM)
        #expect(process.wait(seconds: 10) == .exited(128 + SIGTERM))
        #expect(process.errors.contains("signal 15"), "\(process.errors)")
    }

    @Test("a reader of the output that stopped reading does not hold up a signal") func stuckOutput() throws {
        let process = try Machine.withDevice().start(input: .pipe, output: .stuckPipe)
        // Far more output than a pipe holds; the monitor stops taking commands when it is full.
        process.send(String(repeating: "pci\n", count: 1000))
        usleep(1_500_000)
        process.signal(SIGTERM)
        #expect(process.wait(seconds: 10) == .exited(128 + SIGTERM))
    }

    @Test("-S executes nothing, and a signal still ends it") func paused() throws {
        var machine = try Machine.withDevice()
        machine.options += ["-S"] + OperatorLine.options(in: machine.folder)
        let process = try machine.start("echo ran")
        let status = try OperatorLine(in: machine.folder).ask(#"{"execute":"query-status"}"#)
        #expect(status.contains(#""status": "prelaunch""#) && status.contains(#""running": false"#), "\(status)")
        process.signal(SIGTERM)
        #expect(process.wait() == .exited(128 + SIGTERM))
        #expect(process.output == "")
    }

    @Test("-pidfile holds the process id, and goes with the monitor", arguments: [SIGTERM, 0])
    func pidFile(_ signal: Int32) throws {
        var machine = try Machine.withDevice()
        machine.options += ["-pidfile", machine.folder.file("pid")]
        let process = try machine.start("echo there", input: .pipe)
        #expect(process.hasSaid("ok echo there"))
        #expect(textOfFile(machine.folder.file("pid")) == "\(process.identifier)\n")
        if signal > 0 { process.signal(signal) } else { process.send("power-off\n") }
        #expect(process.wait() == .exited(signal > 0 ? 128 + signal : 0))
        #expect(!machine.folder.exists("pid"))
    }

    @Test("-name is taken") func name() throws {
        var machine = try Machine.withDevice()
        machine.options += ["-name", "guest=fast,debug-threads=on"]
        #expect(try machine.run("echo x").isGood)
    }

    @Test(
        "standard streams that the caller closed do not become the guest's files",
        arguments: [
            "<&-", ">&-", "2>&-", "<&- >&- 2>&-",
        ])
    func closedStreams(_ redirections: String) throws {
        var machine = try Machine.withDevice()
        // The bare short form draws a warning, which must not end up in the file.
        machine.options = machine.options.map { $0.replacingOccurrences(of: "share=on", with: "share") }
        let line = machine.arguments("scan;init;flush;power-off").map { "'\($0)'" }.joined(separator: " ")
        let process = try HostProcess(["sh", "-c", "exec \(line) \(redirections)"], in: machine.folder)
        #expect(process.wait() == .exited(0), "\(process.errors)")
        #expect(try machine.folder.bytes(of: "pmem.img", at: 0, count: 64) == [UInt8](repeating: 0, count: 64))
    }
}

/// An option that only informs.
struct InformationCase: Sendable {
    let arguments: [String]
    let parts: [String]
}

@Suite("Options that only inform") struct InformationTests {
    @Test(arguments: [
        InformationCase(arguments: ["-version"], parts: ["Needletail version"]),
        InformationCase(arguments: ["-help"], parts: ["usage:", "-kernel", "virtio-pmem-pci"]),
        InformationCase(arguments: ["-h"], parts: ["usage:"]),
        InformationCase(arguments: ["run", "--help"], parts: ["usage:"]),
        InformationCase(arguments: ["-object", "help"], parts: ["memory-backend-file"]),
        InformationCase(arguments: ["-device", "help"], parts: ["virtio-pmem-pci"]),
        InformationCase(arguments: ["-device", "virtio-pmem-pci,help"], parts: ["memdev", "memaddr"]),
        InformationCase(arguments: ["-machine", "help"], parts: ["needletail"]),
    ])
    func information(_ test: InformationCase) throws {
        let process = try HostProcess([Needletail.executable] + test.arguments, in: WorkFolder())
        #expect(process.wait() == .exited(0))
        for part in test.parts { #expect(process.output.contains(part), "\(process.output)") }
        #expect(process.errors == "")
    }
}
