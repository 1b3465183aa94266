let powerCutVerb = HMPVerb(
    ["x-needletail-power-cut"], parameters: "[drop|subset|torn] [seed]",
    help: "end the machine, its power-cut-test files as a power cut might leave them",
    candidates: { before, _ in before.isEmpty ? PowerCutOptions.Mode.allCases.map(\.rawValue) : [] }
) { (arguments) throws(HMPError) in
    var options = PowerCutOptions()
    if let word = try arguments.takeWord() {
        guard let mode = PowerCutOptions.Mode(rawValue: word) else {
            throw arguments.problem("drop, subset or torn expected")
        }
        options.mode = mode
    }
    if let seed = try arguments.takeUnsigned() { options.seed = seed }
    try arguments.finish()
    return .cutPower(options)
}
