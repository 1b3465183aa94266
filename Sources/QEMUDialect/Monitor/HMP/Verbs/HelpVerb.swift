let helpVerb = HMPVerb(
    ["help", "?"], parameters: "[cmd]", help: "show the help",
    candidates: { before, _ in
        switch before {
        case []: commandNames()
        case ["info"]: InfoTopic.allCases.map(\.rawValue)
        default: []
        }
    }
) { (arguments) throws(HMPError) in
    .show(try helpText(topic: arguments.takeName(), subtopic: arguments.takeName()))
}

/// `help`, `help COMMAND`, `help info TOPIC`.
private func helpText(topic: String?, subtopic: String?) throws(HMPError) -> String {
    guard let topic else { return hmpVerbs.map { $0.helpLine() }.joined() }
    guard let verb = hmpVerbs.first(where: { $0.names.contains(topic) }) else { throw .unknownCommand(topic) }
    guard verb.names == infoVerb.names else { return verb.helpLine() }
    guard let subtopic else { return infoHelp }
    guard let info = InfoTopic(rawValue: subtopic) else { throw .unknownCommand("info \(subtopic)") }
    return info.helpLine
}
