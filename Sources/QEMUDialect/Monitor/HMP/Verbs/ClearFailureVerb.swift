let clearFailureVerb = HMPVerb(
    ["x-needletail-clear-failure"], parameters: "id",
    help: "let a persistent memory's flushes succeed again, after one has failed",
    candidates: { before, names in before.isEmpty ? names.devices + names.objects : [] }
) { (arguments) throws(HMPError) in
    .clearFailure(id: try arguments.takeOnlyWord())
}
