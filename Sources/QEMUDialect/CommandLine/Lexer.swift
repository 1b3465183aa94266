/// Splits a command line into options and their values by QEMU's rule: an option begins with one dash or two and either
/// takes the next argument, whatever that looks like, or none.
///
/// Which arguments are values depends on the option before them: in `-append --` and `-append -S` they are, and `-mon`
/// is not `-m on`. That is why a general-purpose argument parser, which decides about dashes first, does not do.
/// - Parameters:
///   - names: the options of the verb.
///   - unknown: what is wrong with any other.
/// - Throws: for the first option that does not exist, is not supported, or lacks its value.
func lexCommandLine<Name: CommandLineOption>(
    _ arguments: [String], names: Name.Type, unknown: (String) -> DialectError
) throws(CommandLineError) -> [OptionOccurrence<Name>] {
    var occurrences: [OptionOccurrence<Name>] = []
    var rest = arguments[...]
    while let argument = rest.popFirst() {
        guard let spelled = optionName(argument) else {
            throw CommandLineError(location: argument, reason: .diskImageNotSupported)
        }
        guard let name = Name(rawValue: spelled) else {
            throw CommandLineError(location: argument, reason: unknown(spelled))
        }
        guard name.takesValue else {
            occurrences.append(OptionOccurrence(name: name, value: "", location: argument))
            continue
        }
        guard let value = rest.popFirst() else {
            throw CommandLineError(location: argument, reason: .optionRequiresArgument)
        }
        occurrences.append(OptionOccurrence(name: name, value: value, location: "\(argument) \(value)"))
    }
    return occurrences
}

/// What follows the dash or the two; nil for an argument without.
private func optionName(_ argument: String) -> String? {
    guard argument.utf8.first == UInt8(ascii: "-") else { return nil }
    let count = argument.utf8.starts(with: "--".utf8) ? 2 : 1
    return String(decoding: argument.utf8.dropFirst(count), as: UTF8.self)
}
