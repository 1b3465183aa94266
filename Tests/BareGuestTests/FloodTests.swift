import Foundation
import Glibc
import TestSupport
import Testing

/// A guest whose processors write to one register as fast as they can, two values in turn.
struct FloodCase: Sendable, CustomTestStringConvertible {
    let name: String
    /// The bare guest's commands; `N` stands for the number of processors.
    let commands: String
    var hasSharedMemory = false

    var testDescription: String { name }
}

/// Whatever a guest with several processors does, the monitor can be stopped and ended, and its memory stays what it
/// was.
///
/// The test machine may be busy with other tests, so the limits are generous: on an idle one `stop` takes some
/// milliseconds, and a monitor that serves one processor's register accesses on the thread of another does not stop in
/// minutes.
@Suite("A flood from several processors", .serialized, .enabled(if: Needletail.hasKVM, "\(Needletail.noKVM)"))
struct FloodTests {
    private static let secondsToStop = 2.0
    private static let growthKiB = 1024

    static let cases = [
        FloodCase(name: "memory decoding, through ECAM", commands: "flood N 0xe0008004 2 0 6"),
        FloodCase(
            name: "memory decoding, through the ports", commands: "out 0xcf8 4 0x80000804;flood-port N 0xcfc 2 0 6"),
        FloodCase(name: "the high half of the command and status registers", commands: "flood N 0xe0008006 2 0 0xffff"),
        FloodCase(name: "bus mastering", commands: "init;flood N 0xe0008004 2 2 6"),
        FloodCase(name: "a BAR that moves", commands: "flood N 0xe0008018 4 0xc0000000 0xc0010000"),
        FloodCase(name: "an MSI-X vector", commands: "init;flood N 0xc000400c 4 0 1"),
        FloodCase(name: "an MSI-X message", commands: "init;flood N 0xc0004008 4 0x40 0x41"),
        FloodCase(name: "MSI-X as a whole", commands: "init;flood N 0xe000809a 2 0 0x8000"),
        FloodCase(
            name: "memory that is a BAR, on and off", commands: "flood N 0xe0008004 2 0 6", hasSharedMemory: true),
        FloodCase(
            name: "memory that is a BAR, moved",
            commands: "pci-assign 00:01.0 4 0xd8000000;flood N 0xe0008020 4 0xd8000000 0xda000000",
            hasSharedMemory: true),
        FloodCase(name: "the device status", commands: "init;flood N 0xc0000014 1 0 15"),
        FloodCase(name: "the doorbell", commands: "init;flood N 0xc0003000 4 0 0"),
        FloodCase(name: "the outcome of ejections", commands: "flood N 0xfeb01010 4 0x08030080 0x08010000"),
        FloodCase(name: "a port that does nothing", commands: "flood-port N 0x80 1 0 1"),
    ]

    @Test("stop and SIGTERM work, and memory does not grow", arguments: cases, [2, 16])
    func flood(_ test: FloodCase, _ processorCount: Int) throws {
        var machine = try Machine()
        machine.addDevice(
            "pmem.img", size: "16M", address: test.hasSharedMemory ? nil : Machine.memory,
            more: test.hasSharedMemory ? ",x-shmem=on" : "")
        let socket = machine.folder.file("qmp")
        machine.options += ["-smp", "\(processorCount)", "-qmp", "unix:\(socket),server=on,wait=off"]
        // All processors but the first, which joins them after its answer.
        let commands = test.commands.replacingOccurrences(of: " N ", with: " \(processorCount - 1) ")
        let process = try machine.start("scan;\(commands) join=1")
        let qmp = try OperatorLine(socket)
        #expect(process.hasSaid("ok flood"), "\(process.output)\(process.errors)")
        usleep(200_000)
        let before = try Footprint(of: process.identifier)
        for _ in 0..<3 {
            usleep(200_000)
            let begin = Date()
            #expect(try qmp.ask(#"{"execute":"stop"}"#).contains("return"))
            #expect(Date().timeIntervalSince(begin) < Self.secondsToStop, "\(test.name), \(processorCount) processors")
            #expect(try qmp.ask(#"{"execute":"cont"}"#).contains("return"))
        }
        let after = try Footprint(of: process.identifier)
        #expect(after.residentKiB < before.residentKiB + Self.growthKiB, "\(before) then \(after)")
        process.signal(SIGTERM)
        #expect(process.wait(seconds: 10) == .exited(128 + SIGTERM), "\(process.errors)")
    }

    @Test("a reset in the midst of it starts over", arguments: [2, 16]) func reset(_ processorCount: Int) throws {
        var machine = try Machine.withDevice()
        machine.options += ["-smp", "\(processorCount)"]
        // One processor floods the reset register, the others the command register.
        let process = try machine.start(
            "scan;flood \(processorCount - 1) 0xe0008004 2 0 6;echo flooded;flood-port 0 0xcf9 1 6 6 join=1")
        #expect(
            eventually(seconds: 30) { process.output.components(separatedBy: "ok echo flooded").count > 4 },
            "\(process.output)\(process.errors)")
        process.signal(SIGTERM)
        #expect(process.wait(seconds: 10) == .exited(128 + SIGTERM), "\(process.errors)")
    }
}
