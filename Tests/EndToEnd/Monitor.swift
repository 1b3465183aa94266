import Foundation
import Glibc
import TestSupport

/// A monitor that runs, with a Linux guest in it. Killed at the end if it still runs.
final class Monitor: Sendable {
    /// How it ended: by itself with a status, or by a signal.
    enum Ending: Equatable { case status(Int32), signal(Int32) }

    /// Kernels of the two boot protocols.
    enum Kernel: String { case bzImage = "vmlinuz", pvh = "vmlinux" }

    /// Options that differ from boot to boot.
    struct Options {
        var memory = "512M"
        var processors = 1
        var kernel = Kernel.pvh
        /// The folder of the kernel and its initial RAM disk.
        var guest = Laboratory.guest
        /// The scripts in Tests/EndToEnd/guest that the guest runs, by name.
        var scripts: [String]
        /// Further words for the guest's kernel command line.
        var append = ""
        /// `-object` and `-device`, and whatever else.
        var devices: [String] = []
        /// Instead of standard input and output.
        var serial: String?

        var arguments: [String] {
            let words =
                "console=ttyS0 quiet panic=-1 cryptomgr.notests nt.run=\(scripts.joined(separator: ",")) \(append)"
            let base = [
                "-m", memory, "-smp", "\(processors)", "-kernel", "\(guest)/\(kernel.rawValue)",
                "-initrd", "\(guest)/initrd.img", "-append", words, "-nographic",
            ]
            return base + (serial.map { ["-serial", $0] } ?? []) + devices
        }
    }

    private let process = Process()
    private let keyboard = Pipe()
    private let consolePath = "\(Laboratory.folder)/console-\(UUID().uuidString)"
    private let errorPath: String

    init(_ options: Options) throws {
        errorPath = consolePath + ".errors"
        process.executableURL = URL(filePath: Laboratory.monitor)
        process.arguments = options.arguments
        for path in [consolePath, errorPath] { try Data().write(to: URL(filePath: path)) }
        process.standardOutput = try FileHandle(forWritingTo: URL(filePath: consolePath))
        process.standardError = try FileHandle(forWritingTo: URL(filePath: errorPath))
        process.standardInput = keyboard
        try process.run()
    }

    deinit {
        if process.isRunning { kill(SIGKILL) }
        for path in [consolePath, errorPath] { try? FileManager.default.removeItem(atPath: path) }
    }

    /// What the guest wrote so far, and what the monitor said.
    var console: String { Self.read(consolePath) }
    var errors: String { Self.read(errorPath) }

    private static func read(_ path: String) -> String {
        consoleText((try? Data(contentsOf: URL(filePath: path))) ?? Data())
    }

    /// What the scripts reported: the lines that begin with "guest: ", without that.
    var reports: [String] { Self.reports(in: console) }

    static func reports(in console: String) -> [String] {
        console.split(separator: "\n").filter { $0.hasPrefix("guest: ") }.map { String($0.dropFirst(7)) }
    }

    /// Types a line at the guest's console.
    func type(_ line: String) throws { try keyboard.fileHandleForWriting.write(contentsOf: Data("\(line)\n".utf8)) }

    func kill(_ signal: Int32) { Glibc.kill(process.processIdentifier, signal) }

    var isRunning: Bool { process.isRunning }

    func footprint() throws -> Footprint { try Footprint(of: process.processIdentifier) }

    /// Waits until the guest has written a text.
    func wait(for text: String, seconds: Int = 240) throws {
        try wait(until: "'\(text)'", seconds) { console.contains(text) || !process.isRunning }
        guard console.contains(text) else {
            throw Laboratory.Failure.timedOut("'\(text)', and the monitor ended", console: console + errors)
        }
    }

    /// Waits for the end.
    @discardableResult
    func end(seconds: Int = 240) throws -> Ending {
        try wait(until: "the monitor's end", seconds) { !process.isRunning }
        let status = process.terminationStatus
        return process.terminationReason == .exit ? .status(status) : .signal(status)
    }

    private func wait(until what: String, _ seconds: Int, _ condition: () -> Bool) throws {
        let deadline = Date(timeIntervalSinceNow: Double(seconds))
        while !condition() {
            guard Date() < deadline else { throw Laboratory.Failure.timedOut(what, console: console + errors) }
            usleep(50_000)
        }
    }
}

/// What a serial port sent, without its carriage returns.
func consoleText(_ bytes: some Sequence<UInt8>) -> String {
    String(decoding: bytes.filter { $0 != UInt8(ascii: "\r") }, as: UTF8.self)
}

extension Monitor {
    /// A `-object` and the `-device` that goes with it.
    ///
    /// - Parameters:
    ///   - share: the words between id and mem-path.
    ///   - device: further properties of the device.
    static func pmem(_ disk: Disk, _ number: Int = 1, share: String = "share=on", device: String = "") -> [String] {
        [
            "-object", "memory-backend-file,id=mem\(number),\(share),mem-path=\(disk.path),size=\(disk.byteCount)",
            "-device", "virtio-pmem-pci,memdev=mem\(number),id=nv\(number)\(device)",
        ]
    }
}

/// A boot that ran to its end, for tests that look at different sides of it.
struct Boot: Sendable {
    let ending: Monitor.Ending
    let console: String
    let errors: String
    var reports: [String] { Monitor.reports(in: console) }

    init(_ options: Monitor.Options) throws {
        let monitor = try Monitor(options)
        ending = try monitor.end()
        (console, errors) = (monitor.console, monitor.errors)
    }
}
