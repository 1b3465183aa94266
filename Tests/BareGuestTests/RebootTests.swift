import Foundation
import Glibc
import Testing

@Suite("Starting over", .enabled(if: Needletail.hasKVM, "\(Needletail.noKVM)"))
struct RebootTests {
    /// Waits until the guest has come up this many times.
    private func hasStarted(_ process: HostProcess, times: Int) -> Bool {
        eventually { process.output.components(separatedBy: "bare: ready").count > times }
    }

    @Test("devices work again, and the files keep their content") func devicesAfterReboot() throws {
        let machine = try Machine.withDevice()
        let process = try machine.start(input: .pipe)
        #expect(hasStarted(process, times: 1))
        process.send("scan\ninit\nwrite 0x40000000 first\nflush\nreboot\n")
        #expect(hasStarted(process, times: 2), "\(process.output)\(process.errors)")
        process.send(
            "scan\nregister common 0x14 1\ndump 0x40000000 5\ninit\nwrite 0x40000000 second\nflush 4\npower-off\n")
        #expect(process.wait() == .exited(0))
        let transcript = Transcript(process.output)
        #expect(transcript.replies(to: "flush").map { $0["ret"] } == ["0", "0"], "\(transcript)")
        #expect(transcript.replies(to: "dump").first?["bytes"] == "6669727374")
        #expect(try machine.folder.text(of: "pmem.img", at: 0, count: 6) == "second")
    }

    @Test("RAM and registers are as after power-on") func nothingIsLeftOver() throws {
        let machine = try Machine.withDevice()
        let process = try machine.start(input: .pipe)
        #expect(hasStarted(process, times: 1))
        process.send("poke 0x1800000 4 0x12345678\nscan\ninit\nstatus\npci-write 00:01.0 0x3c 1 0x55\nreboot\n")
        #expect(hasStarted(process, times: 2))
        process.send("peek 0x1800000 4\nscan\npci-read 00:01.0 0x3c 1\npower-off\n")
        #expect(process.wait() == .exited(0))
        let transcript = Transcript(process.output)
        #expect(transcript.replies(to: "peek").first?["value"] == "0x00000000", "\(transcript)")
        #expect(transcript.replies(to: "pci-read").first?["value"] == "0x00", "\(transcript)")
    }

    /// A command that comes between two power cycles is no less a command. The moment is a matter of luck: twenty
    /// tries.
    @Test("quit is heard while the guest does nothing but start over", arguments: 1...20)
    func quitBetweenPowerCycles(_ attempt: UInt32) throws {
        var machine = try Machine.withDevice()
        machine.options += ["-qmp", "unix:\(machine.folder.file("qmp")),server=on,wait=off"]
        let process = try machine.start("reboot")
        let line = try OperatorLine(machine.folder.file("qmp"))
        usleep(attempt * 1700)
        #expect(try line.ask(#"{"execute":"quit"}"#) == "{\"return\": {}}")
        #expect(process.wait(seconds: 20) == .exited(0), "\(process.errors)")
    }

    @Test("-no-reboot ends instead", arguments: ["reboot", "out 0xcf9 1 6", "out 0x64 1 0xfe"])
    func noReboot(_ command: String) throws {
        var machine = try Machine.withDevice()
        machine.options.append("-no-reboot")
        let process = try machine.start("echo once;\(command)")
        #expect(process.wait() == .exited(0), "\(process.errors)")
        #expect(process.output.components(separatedBy: "ok echo once").count == 2)
    }

    @Test("twenty in a row leave no descriptor, thread or mapping behind") func noLeaks() throws {
        let machine = try Machine.withDevice()
        let process = try machine.start(input: .pipe)
        var usage: [[String: Int]] = []
        for round in 1...21 {
            try #require(hasStarted(process, times: round), "\(process.output)\(process.errors)")
            process.send("scan\ninit\nflush\necho round \(round)\n")
            try #require(process.hasSaid("ok echo round \(round)\n") || process.hasSaid("ok echo round \(round)\r"))
            usage.append(resources(of: process.identifier))
            if round < 21 { process.send("reboot\n") }
        }
        process.send("power-off\n")
        #expect(process.wait() == .exited(0))
        let (early, last) = (usage[1], try #require(usage.last))
        #expect(last["fd"] == early["fd"] && last["task"] == early["task"], "\(early) \(last)")
        #expect(try #require(last["maps"]) <= (try #require(early["maps"])) + 8, "\(early) \(last)")
    }

    private func resources(of process: pid_t) -> [String: Int] {
        var result: [String: Int] = [:]
        for folder in ["fd", "task"] {
            result[folder] = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/\(folder)"))?.count
        }
        result["maps"] = textOfFile("/proc/\(process)/maps").split(separator: "\n").count
        return result
    }
}
