import Foundation

/// What a process holds, to see whether it grows.
public struct Footprint: CustomStringConvertible, Sendable {
    public let descriptors: Int
    public let mappings: Int
    public let threads: Int
    public let residentKiB: Int

    public var description: String {
        "\(descriptors) descriptors, \(mappings) mappings, \(threads) threads, \(residentKiB) KiB resident"
    }

    /// - Throws: when there is no such process.
    public init(of process: Int32) throws {
        let (folder, files) = ("/proc/\(process)", FileManager.default)
        descriptors = try files.contentsOfDirectory(atPath: "\(folder)/fd").count
        threads = try files.contentsOfDirectory(atPath: "\(folder)/task").count
        mappings = try String(contentsOfFile: "\(folder)/maps", encoding: .utf8).split(separator: "\n").count
        let status = try String(contentsOfFile: "\(folder)/status", encoding: .utf8).split(separator: "\n")
        let resident = status.first { $0.hasPrefix("VmRSS:") }?.split { $0 == " " || $0 == "\t" }
        residentKiB = resident?.dropFirst().first.flatMap { Int($0) } ?? 0
    }
}
