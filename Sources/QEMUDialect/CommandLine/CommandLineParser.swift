/// What a command line asks for.
public enum ParsedCommand: Sendable {
    /// Each warning is ready to be shown after the program's name.
    case run(MachineConfiguration, warnings: [String])
    /// A text for standard output; the program ends with success.
    case help(String)
    case version(String)
}

/// Parses the arguments of the `run` verb; the verb itself may be left out.
///
/// - Parameter arguments: Without the program's name.
/// - Throws: the first thing that is wrong. What depends on files is not looked at.
public func parseCommandLine(_ arguments: [String]) throws(CommandLineError) -> ParsedCommand {
    let options = arguments.first == "run" ? Array(arguments.dropFirst()) : arguments
    var builder = ConfigurationBuilder()
    for occurrence in try lexCommandLine(options, names: OptionName.self, unknown: unknownOption) {
        do {
            if let answer = try builder.apply(occurrence) { return answer }
        } catch {
            throw CommandLineError(location: occurrence.location, reason: error)
        }
        builder.locateWarnings(occurrence.location)
    }
    return .run(try builder.finish(), warnings: builder.warnings)
}
