import Foundation
import Glibc
import Testing

/// Something that blocks before the machine runs.
struct BlockedStart: Sendable, CustomTestStringConvertible {
    let option: String
    /// `S` stands for a socket's path.
    let value: String
    var testDescription: String { option }
}

/// A signal ends the monitor, whatever it waits for.
@Suite("Signals", .serialized, .enabled(if: Needletail.hasKVM, "\(Needletail.noKVM)")) struct SignalTests {
    @Test(
        "one ends a start that blocks",
        arguments: [
            BlockedStart(option: "-qmp", value: "unix:S,server=on"),
            BlockedStart(option: "-monitor", value: "unix:S,server=on"),
        ])
    func blockedStart(_ test: BlockedStart) throws {
        var machine = try Machine.withDevice()
        machine.serial = ["-display", "none"]
        machine.options += [
            test.option,
            test.value.replacingOccurrences(of: "S", with: machine.folder.file("socket")),
        ]
        let pidFile = machine.folder.file("pid")
        machine.options += ["-pidfile", pidFile]
        let process = try machine.start("power-off")
        // It is blocked once it neither ends nor runs.
        usleep(500_000)
        process.signal(SIGTERM)
        #expect(process.wait(seconds: 10) == .exited(128 + SIGTERM), "\(process.errors)")
        #expect(process.errors.contains("signal 15"), "\(process.errors)")
        for left in [pidFile, machine.folder.file("socket")] {
            #expect(!FileManager.default.fileExists(atPath: left), "\(left) was left behind")
        }
    }

    @Test("-serial on a FIFO that has no reader does not wait for one") func fifo() throws {
        var machine = try Machine()
        let fifo = machine.folder.file("fifo")
        #expect(unsafe mkfifo(fifo, 0o600) == 0)
        machine.serial = ["-display", "none", "-serial", "file:\(fifo)"]
        let process = try machine.start("power-off")
        #expect(process.wait() == .exited(1))
        #expect(process.errors.contains("this FIFO"), "\(process.errors)")
    }

    @Test(
        "a second one ends a monitor whose disk does not answer, and says what may be lost",
        .enabled(if: StallingDisk.isPossible, "\(StallingDisk.reason)"))
    func second() throws {
        let disk = try StallingDisk()
        var machine = try Machine()
        machine.options += ["-object", "memory-backend-file,id=mem,share=on,mem-path=\(disk.file),size=4M"]
        machine.options += ["-device", "virtio-pmem-pci,memdev=mem,memaddr=0x40000000"]
        let process = try machine.start("echo there")
        #expect(process.hasSaid("ok echo there"), "\(process.errors)")
        disk.stall()
        process.signal(SIGTERM)
        #expect(!eventually(seconds: 1) { kill(process.identifier, 0) != 0 || process.errors.contains("at once") })
        process.signal(SIGINT)
        #expect(process.wait(seconds: 10) == .exited(128 + SIGINT), "\(process.errors)")
        #expect(
            process.errors.contains("at once on signal 2") && process.errors.contains("'\(disk.file)'"),
            "\(process.errors)")
    }
}

/// A file whose file system can stop answering.
final class StallingDisk {
    static let isPossible =
        unsafe geteuid() == 0 && access("/dev/fuse", R_OK | W_OK) == 0 && Needletail.succeeds(["python3", "--version"])
    static let reason = "not root, no /dev/fuse, or no python3"

    let file: String
    private let folder: WorkFolder
    private let server: HostProcess

    init() throws {
        folder = try WorkFolder()
        let place = folder.file("mount")
        try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: false)
        file = "\(place)/disk.img"
        let script = Needletail.repository.appending(path: "Tests/BareGuest/stalling-disk").path
        server = try HostProcess(["python3", script, place], in: folder, input: .pipe)
        try #require(server.hasSaid("ready"), "\(server.errors)")
        // Closing a file once tells the kernel that the file system does not want to know of it.
        _ = try Data(contentsOf: URL(filePath: file))
    }

    func stall() { server.send("stall\n") }

    /// The file system goes: what waits for it gets an error.
    func end() {
        server.closeInput()
        _ = server.wait(seconds: 5)
    }

    deinit { end() }
}
