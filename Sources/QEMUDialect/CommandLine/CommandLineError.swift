/// What is wrong with a command line, and where.
public struct CommandLineError: Error, Equatable, Sendable {
    /// The option as it was typed, with its value; nil when the whole is meant.
    public let location: String?
    public let reason: DialectError

    public init(location: String?, reason: DialectError) {
        self.location = location
        self.reason = reason
    }

    /// The text for standard error, as QEMU lays it out: `PROGRAM: LOCATION: MESSAGE`, then what to do on lines of its
    /// own.
    public func text(program: String = "needletail") -> String {
        let head = [program, location, reason.message].compactMap { $0 }.joined(separator: ": ")
        return [head, reason.advice].compactMap { $0 }.joined(separator: "\n")
    }
}
