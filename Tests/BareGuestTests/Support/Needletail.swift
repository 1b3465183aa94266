import Foundation
import Glibc

/// What this machine has, and where the programs under test are.
enum Needletail {
    static let hasKVM = unsafe access("/dev/kvm", R_OK | W_OK) == 0
    static let noKVM = "no /dev/kvm that this user may open"
    /// Whether a test can give a process a `/dev` of its own.
    static let hasNamespaces = geteuid() == 0 && succeeds(["unshare", "-m", "true"])
    static let noNamespaces = "not root, or no permission to make a mount namespace"
    static let hasQEMU = succeeds(["qemu-system-x86_64", "-version"])
    static let noQEMU = "qemu-system-x86_64 is not installed"

    /// The monitor: NEEDLETAIL, or the one that was built with these tests.
    static let executable =
        ProcessInfo.processInfo.environment["NEEDLETAIL"]
        ?? URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        .appending(path: "needletail").path

    static let repository = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    /// The bare guest, built if it is not there or out of date.
    static let bareGuest: String = {
        let folder = repository.appending(path: "Tests/BareGuest").path
        if !succeeds(["make", "-s", "-C", folder], seconds: 120) { fatalError("make -C \(folder) failed") }
        return repository.appending(path: ".build/bare-guest/bare").path
    }()

    static func succeeds(_ arguments: [String], seconds: Double = 20) -> Bool {
        guard let folder = try? WorkFolder(), let process = try? HostProcess(arguments, in: folder) else {
            return false
        }
        return process.wait(seconds: seconds) == .exited(0)
    }
}

/// One virtual machine with the bare guest in it: files, options and the running monitor.
struct Machine {
    /// Where the 32-bit guest reaches memory that `memaddr` places: between RAM and the PCI window.
    static let memory: UInt64 = 0x4000_0000

    let folder: WorkFolder
    /// Options before the guest's.
    var options: [String] = []
    /// Where the guest's serial port goes.
    var serial = ["-nographic"]

    init() throws { folder = try WorkFolder() }

    /// With one device on the file `pmem.img`, at `memory`.
    static func withDevice(size: String = "16M") throws -> Machine {
        var machine = try Machine()
        machine.addDevice("pmem.img", size: size, address: memory)
        return machine
    }

    /// Adds a backend and a device over a file of the folder.
    mutating func addDevice(_ file: String, size: String, address: UInt64? = nil, more: String = "") {
        let place = address.map { ",memaddr=0x\(String($0, radix: 16))" } ?? ""
        let id = file.split(separator: ".")[0]
        options += ["-object", "memory-backend-file,id=\(id),share=on,mem-path=\(folder.file(file)),size=\(size)"]
        options += ["-device", "virtio-pmem-pci,memdev=\(id),id=nv-\(id)\(place)\(more)"]
    }

    /// The monitor's command line.
    func arguments(_ commands: String) -> [String] {
        // The guest waits longer than its usual 4 seconds for an answer, since a test machine's disk may be busy.
        let all = "timeout 30000;" + commands
        return [Needletail.executable, "-m", "32M", "-kernel", Needletail.bareGuest, "-append", all] + serial + options
    }

    /// Starts the monitor; the guest runs the commands, and then waits for input.
    func start(
        _ commands: String = "", input: InputSource = .nothing, output: OutputTarget = .collected
    ) throws -> HostProcess {
        try HostProcess(arguments(commands), in: folder, input: input, output: output)
    }

    /// Runs commands and `power-off`.
    func run(_ commands: String, seconds: Double = 20) throws -> Transcript {
        let process = try start(commands + ";power-off")
        let end = process.wait(seconds: seconds)
        return Transcript(process.output, errors: process.errors, end: end)
    }

    /// Starts the bare guest with a keyboard and with one device `nv1` on the backend `mem1`, at 0x10000000.
    ///
    /// - Parameters:
    ///   - commands: what the guest does first.
    ///   - object: words of `-object` after `memory-backend-file,id=mem1,`.
    ///   - device: words of `-device` after its id and address, with a comma before each.
    static func start(
        _ commands: String = "", object: String, device: String = "", arguments: [String] = []
    ) throws -> HostProcess {
        var machine = try Machine()
        machine.options = ["-object", "memory-backend-file,id=mem1,\(object)"]
        machine.options += ["-device", "virtio-pmem-pci,memdev=mem1,id=nv1,memaddr=0x10000000\(device)"] + arguments
        return try machine.start(commands, input: .pipe)
    }
}
