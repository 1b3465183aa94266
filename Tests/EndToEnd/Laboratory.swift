import Foundation
import Testing

/// All tests that boot Linux. One after the other: each has the machine's processors for itself, and the page cache
/// test its memory.
@Suite(
    .serialized,
    .enabled(if: Laboratory.isOpen, "they need KVM that runs Linux: Scripts/test runs them under Scripts/with-kvm"))
enum EndToEnd {}

/// Where the tests run: what Scripts/test tells through the environment.
enum Laboratory {
    private static let environment = ProcessInfo.processInfo.environment

    static var isOpen: Bool { environment["NEEDLETAIL_GUEST"] != nil }

    /// The folder that Scripts/guest-kernel prints, with an initial RAM disk in it.
    static var guest: String { environment["NEEDLETAIL_GUEST"] ?? "" }

    /// The same with a kernel from 6.8 on, whose driver knows shared memory regions.
    static var newerGuest: String { environment["NEEDLETAIL_NEWER_GUEST"] ?? "" }

    /// A folder on a real file system, for disks.
    static var folder: String { environment["NEEDLETAIL_FOLDER"] ?? "/var/tmp" }

    /// An ext4 file system that holds /large, a file of 256 MiB.
    static var largeDisk: String { environment["NEEDLETAIL_LARGE_DISK"] ?? "" }

    /// The monitor, built beside the tests.
    static let monitor = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent().appending(
        path: "needletail"
    ).path

    enum Failure: Error {
        case timedOut(String, console: String)
        case program(String, status: Int32, output: String)
    }
}

/// Runs a program to its end.
///
/// - Throws: if its status is not among `expected`.
@discardableResult
func run(_ arguments: [String], expecting expected: Set<Int32> = [0]) throws -> String {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = arguments
    let output = Pipe()
    process.standardOutput = output
    process.standardError = output
    process.standardInput = FileHandle.nullDevice
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    guard expected.contains(process.terminationStatus) else {
        throw Laboratory.Failure.program(
            arguments.joined(separator: " "), status: process.terminationStatus, output: text)
    }
    return text
}
