import Foundation
import Glibc
import Synchronization
import TestSupport
import Testing

/// Whether these tests can run: they need /dev/kvm, of whatever kind, and a C compiler for the guest.
enum Available {
    static let kvm = unsafe access("/dev/kvm", R_OK | W_OK) == 0
    static let reason = "no /dev/kvm that this user may open"

    /// Where the package's executables are: the folder that holds the running tests.
    static let products: String = {
        let arguments = (try? String(contentsOfFile: "/proc/self/cmdline", encoding: .utf8)) ?? ""
        let test = arguments.split(separator: "\0").first { $0.hasSuffix(".xctest") }.map(String.init)
        return URL(filePath: test ?? CommandLine.arguments[0]).deletingLastPathComponent().path
    }()

    /// The bare guest, built once.
    static let guest: Result<String, any Error> = Result {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appending(
            path: "BareGuest")
        let output = "\(products)/bare-guest"
        let made = try run(["make", "--silent", "-C", folder.path, "OUTPUT=\(output)", "\(output)/bare"])
        guard made.status == 0 else { throw BareError.cannotBuild(made.output) }
        return "\(output)/bare"
    }
}

enum BareError: Error {
    case cannotBuild(String)
    case timedOut(String, transcript: String)
}

/// Runs a program to its end.
func run(_ words: [String]) throws -> (status: Int32, output: String) {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = words
    let output = Pipe()
    process.standardOutput = output
    process.standardError = output
    process.standardInput = FileHandle.nullDevice
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return (process.terminationStatus, text)
}

/// A monitor that runs the bare guest, whose serial port is the monitor's standard input and output.
final class BareMachine: Sendable {
    /// Below 4 GiB and above the RAM, where a guest without paging reaches it.
    static let address = "0x10000000"

    private let process = Process()
    private let keyboard = Pipe()
    private let output = Text()
    private let errors = Text()

    /// - Parameters:
    ///   - commands: what the guest does first.
    ///   - objects: words of `-object` after `memory-backend-file,id=mem1,`.
    ///   - device: words of `-device` after its id and address, with a comma before each.
    init(_ commands: String = "", object: String, device: String = "", arguments: [String] = []) throws {
        process.executableURL = URL(filePath: "\(Available.products)/needletail")
        process.arguments =
            ["-m", "64M", "-kernel", try Available.guest.get(), "-append", commands, "-nographic"]
            + ["-object", "memory-backend-file,id=mem1,\(object)"]
            + ["-device", "virtio-pmem-pci,memdev=mem1,id=nv1,memaddr=\(Self.address)\(device)"] + arguments
        process.standardInput = keyboard
        process.standardOutput = pipe(to: output)
        process.standardError = pipe(to: errors)
        try process.run()
    }

    private func pipe(to text: Text) -> Pipe {
        let pipe = Pipe()
        pipe.fileHandleForReading.readabilityHandler = { handle in
            let data = handle.availableData
            if data.isEmpty { handle.readabilityHandler = nil }
            text.append(String(decoding: data.filter { $0 != 13 }, as: UTF8.self))
        }
        return pipe
    }

    deinit {
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
    }

    /// What the guest said, and what the monitor did.
    var transcript: String { output.value }
    var messages: String { errors.value }
    var isRunning: Bool { process.isRunning }

    func footprint() throws -> Footprint { try Footprint(of: process.processIdentifier) }

    /// Has the guest do something.
    ///
    /// - Returns: its answer, a line that begins with `ok` or `error`.
    @discardableResult
    func ask(_ command: String) throws -> String {
        let before = transcript.count
        try keyboard.fileHandleForWriting.write(contentsOf: Data("\(command)\n".utf8))
        let name = command.prefix { $0 != " " }
        var answer: Substring?
        try wait(for: "an answer to '\(command)'") {
            // A line whose end has not come yet is none.
            answer = transcript.dropFirst(before).split(separator: "\n", omittingEmptySubsequences: false).dropLast()
                .first {
                    $0.hasPrefix("ok \(name)") || $0.hasPrefix("error \(name)")
                }
            return answer != nil
        }
        return String(answer ?? "")
    }

    /// Has the guest begin something whose answer does not come now.
    func begin(_ command: String) throws {
        try keyboard.fileHandleForWriting.write(contentsOf: Data("\(command)\n".utf8))
    }

    func terminate() { kill(process.processIdentifier, SIGTERM) }

    /// Waits until the guest has said a line that begins so.
    func waitForLine(_ prefix: String) throws {
        try wait(for: "'\(prefix)'") { transcript.split(separator: "\n").contains { $0.hasPrefix(prefix) } }
    }

    /// Waits for the end.
    ///
    /// - Returns: the exit status.
    func end() throws -> Int32 {
        try wait(for: "the end") { !process.isRunning }
        // What it said last may still be on its way.
        usleep(50_000)
        return process.terminationStatus
    }

    func wait(for what: String, seconds: Double = 40, _ condition: () throws -> Bool) throws {
        let deadline = Date(timeIntervalSinceNow: seconds)
        while try !condition() {
            guard Date() < deadline else { throw BareError.timedOut(what, transcript: transcript + messages) }
            usleep(2_000)
        }
    }
}

/// A folder of a test's own, gone at the end; with a file system of its own if it is to have one.
final class Scratch: Sendable {
    let path: String
    private let isMounted: Bool

    init() throws {
        path = "/var/tmp/needletail-bare-\(UUID().uuidString)"
        isMounted = false
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    }

    /// nil, after printing why, where mounting is not allowed.
    init?(mounting words: [String]) throws {
        path = "/var/tmp/needletail-bare-\(UUID().uuidString)"
        isMounted = true
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        let mounted = try run(["mount"] + words + [path])
        guard mounted.status == 0 else {
            print("not tested: cannot mount \(words.joined(separator: " ")): \(mounted.output)")
            unsafe rmdir(path)
            return nil
        }
    }

    func file(_ name: String = "disk.img") -> String { "\(path)/\(name)" }

    /// Makes the file shorter or longer.
    func cut(to byteCount: UInt64) throws {
        try FileHandle(forWritingTo: URL(filePath: file())).truncate(atOffset: byteCount)
    }

    deinit {
        if isMounted { _ = try? run(["umount", "-l", path]) }
        try? FileManager.default.removeItem(atPath: path)
    }
}

/// A text that grows.
private final class Text: Sendable {
    private let text = Mutex("")

    var value: String { text.withLock { $0 } }

    func append(_ more: String) { text.withLock { $0 += more } }
}
