/// A command of the human monitor: what it is called, what help says, how its arguments are understood and completed.
struct HMPVerb: Sendable {
    /// The name, then its short forms.
    let names: [String]
    /// How help shows the arguments.
    let parameters: String
    let help: String
    let parse: @Sendable (inout HMPArguments) throws(HMPError) -> HMPCommand
    /// What the argument that is being typed may be, given the ones before it.
    let candidates: @Sendable ([String], CompletionNames) -> [String]

    init(
        _ names: [String], parameters: String = "", help: String,
        candidates: @escaping @Sendable ([String], CompletionNames) -> [String] = { _, _ in [] },
        parse: @escaping @Sendable (inout HMPArguments) throws(HMPError) -> HMPCommand
    ) {
        self.names = names
        self.parameters = parameters
        self.help = help
        self.candidates = candidates
        self.parse = parse
    }

    /// A command without arguments.
    init(_ names: [String], help: String, command: HMPCommand) {
        self.init(names, help: help) { (arguments) throws(HMPError) in
            try arguments.finish()
            return command
        }
    }

    var namesText: String { names.joined(separator: "|") }

    func helpLine(prefix: String = "") -> String { "\(prefix)\(namesText) \(parameters) -- \(help)\n" }
}

/// In the order in which help lists them.
let hmpVerbs: [HMPVerb] = [
    continueVerb, deviceAddVerb, deviceDelVerb, helpVerb, infoVerb, objectAddVerb, objectDelVerb, quitVerb, stopVerb,
    powerDownVerb, resetVerb, clearFailureVerb, powerCutVerb, setFlushLimitVerb,
]
