public import Options

/// A line typed at the human monitor, understood.
public enum HMPCommand: Sendable {
    /// An empty line.
    case nothing
    /// A text that is the whole answer, such as help.
    case show(String)
    case addObject(any ObjectOptions, warnings: [String])
    case removeObject(id: String)
    case addDevice(any DeviceOptions, warnings: [String])
    case removeDevice(id: String)
    case info(InfoTopic)
    case clearFailure(id: String)
    case setFlushLimit(id: String, FlushLimitOptions)
    case cutPower(PowerCutOptions)
    case stop
    case resume
    case powerDown
    case reset
    case quit
}

/// Why a line is no command.
public enum HMPError: Error, Equatable, Sendable {
    case unknownCommand(String)
    /// The arguments are not what the command takes: its names, what is wrong, and what to ask help for.
    case arguments(command: String, problem: String, helpTopic: String)
    /// A quotation that does not end, or the like.
    case malformedArguments(problem: String, helpTopic: String)
    case dialect(DialectError)

    /// The lines to show, in QEMU's words where QEMU has them.
    public var text: String {
        switch self {
        case .unknownCommand(let name): "unknown command: '\(name)'\n"
        case .arguments(let command, let problem, let topic): "\(command): \(problem)\n\(Self.tryHelp(topic))"
        case .malformedArguments(let problem, let topic): "\(problem)\n\(Self.tryHelp(topic))"
        case .dialect(let error): hmpErrorText(message: error.monitorMessage, advice: error.monitorAdvice)
        }
    }

    private static func tryHelp(_ topic: String) -> String { "Try \"help \(topic)\" for more information\n" }
}

/// How the human monitor shows that a command failed.
public func hmpErrorText(message: String, advice: String?) -> String {
    "Error: \(message)\n" + (advice.map { $0 + "\n" } ?? "")
}

/// Understands a line typed at the human monitor.
///
/// - Parameter line: Without its end.
/// - Throws: the first thing that is wrong. Whether names exist depends on the machine.
public func parseHMPCommand(_ line: String) throws(HMPError) -> HMPCommand {
    var arguments = HMPArguments(line)
    guard let name = arguments.takeName() else { return .nothing }
    guard let verb = hmpVerbs.first(where: { $0.names.contains(name) }) else { throw .unknownCommand(name) }
    arguments.verb = verb
    return try verb.parse(&arguments)
}
