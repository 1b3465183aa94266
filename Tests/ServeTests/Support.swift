import Foundation
import Glibc
import Testing
import TestSupport

/// A folder of its own for each test, removed with everything in it.
final class TestFolder: Sendable {
    let path: String

    init() throws {
        path = "/var/tmp/needletail-serve-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    }

    func file(_ name: String) -> String { "\(path)/\(name)" }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// A program that a test runs. Killed at the end if it still runs.
final class Child: Sendable {
    /// How it ended.
    enum Ending: Equatable { case status(Int32), signal(Int32) }
    struct TimedOut: Error { let what: String, output: String }

    private let process = Process()
    private let folder: TestFolder
    private let outputPath: String

    init(_ arguments: [String], in folder: TestFolder, environment: [String: String] = [:]) throws {
        self.folder = folder
        outputPath = folder.file("output-\(UUID().uuidString.prefix(8))")
        _ = FileManager.default.createFile(atPath: outputPath, contents: nil)
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = arguments
        let output = try FileHandle(forWritingTo: URL(filePath: outputPath))
        try output.seekToEnd()
        (process.standardOutput, process.standardError) = (output, output)
        process.standardInput = FileHandle.nullDevice
        process.environment = ProcessInfo.processInfo.environment
            .merging(["SWIFT_BACKTRACE": "enable=no"]) { $1 }.merging(environment) { $1 }
        try process.run()
    }

    deinit {
        if process.isRunning { kill(SIGKILL) }
        process.waitUntilExit()
    }

    var identifier: Int32 { process.processIdentifier }
    var isRunning: Bool { process.isRunning }
    var output: String { text(of: outputPath) }
    func kill(_ signal: Int32) { Glibc.kill(process.processIdentifier, signal) }

    @discardableResult
    func end(seconds: Double = 30) throws -> Ending {
        try wait(for: "the end", seconds) { !process.isRunning }
        process.waitUntilExit()
        return process.terminationReason == .exit
            ? .status(process.terminationStatus) : .signal(process.terminationStatus)
    }

    func wait(for what: String, _ seconds: Double = 30, until condition: () throws -> Bool) throws {
        let deadline = Date(timeIntervalSinceNow: seconds)
        while try !condition() {
            guard Date() < deadline else { throw TimedOut(what: what, output: output) }
            usleep(5000)
        }
    }

    /// How many descriptors it has open.
    var descriptorCount: Int {
        (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(identifier)/fd").count) ?? -1
    }
}

func text(of path: String) -> String {
    String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
}

/// `needletail serve` with devices on files of a folder.
struct ServeProcess {
    static let executable = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        .appending(path: "needletail").path

    let folder: TestFolder
    let child: Child

    /// One device for each size, on `pmem1.img`, `pmem2.img` and so on, behind `nv1.sock`, `nv2.sock`.
    init(
        in folder: TestFolder, sizes: [String] = ["3M"], more: [String] = [], backend: String = "share=on",
        device: String = ""
    ) throws {
        self.folder = folder
        child = try Child(Self.arguments(in: folder, sizes: sizes, backend: backend, device: device) + more, in: folder)
        try child.wait(for: "the start") { child.output.contains("serving") || !child.isRunning }
    }

    static func arguments(
        in folder: TestFolder, sizes: [String], backend: String = "share=on", device: String = "", sockets: Bool = true
    ) -> [String] {
        [executable, "serve", "-x-needletail-log-level", "debug"]
            + sizes.enumerated().flatMap { index, size in
                let number = index + 1
                let object =
                    "memory-backend-file,id=mem\(number),\(backend),mem-path=\(folder.file("pmem\(number).img")),size=\(size)"
                return ["-object", object, "-device", "virtio-pmem-pci,memdev=mem\(number),id=nv\(number)\(device)"]
                    + (sockets ? ["-socket", folder.file("nv\(number).sock")] : [])
            }
    }

    func socket(_ number: Int = 1) -> String { folder.file("nv\(number).sock") }
    func image(_ number: Int = 1) -> String { folder.file("pmem\(number).img") }
}

/// Runs a program to its end and gives what it said.
///
/// - Throws: if its status is not among `expected`.
@discardableResult
func run(_ arguments: [String], in folder: TestFolder, expecting expected: Set<Int32> = [0]) throws -> String {
    let child = try Child(arguments, in: folder)
    guard case .status(let status) = try child.end(seconds: 120), expected.contains(status) else {
        throw Child.TimedOut(what: "success of \(arguments)", output: child.output)
    }
    return child.output
}

/// A client whose device cannot end: its interrupt's eventfd is full, and a signal to it blocks.
struct StuckClient {
    private let driver: VFIOUserDriver

    init(_ socket: String) throws {
        driver = try VFIOUserDriver(VFIOUserClient(connectingTo: socket))
        try driver.placeStorage()
        try driver.start(features: 1 << 32 | 1)
        let number = driver.event.rawDescriptor
        var rest = UInt64.max - 1
        #expect(unsafe write(number, &rest, 8) == 8)
        #expect(fcntl(number, F_SETFL, 0) == 0)
        _ = try driver.addFlush()
        try driver.ring()
        usleep(200_000)
    }
}
