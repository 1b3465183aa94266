/// Why a monitor could not be opened.
public struct MonitorError: Error, Equatable, Sendable, CustomStringConvertible {
    /// As on the command line: `-qmp unix:PATH`.
    public let option: String
    public let reason: String

    public var description: String { "\(option): \(reason)" }
}
