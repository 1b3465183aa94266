/// The one command that a client may give before it was answered with success.
public let negotiationCommand = "qmp_capabilities"

/// We offer no capability: commands are answered in order, so out-of-band ones would not overtake.
let capabilitiesVerb = QMPVerb(negotiationCommand) { (arguments) throws(QMPError) in
    for name in try arguments.optionalStrings("enable") ?? [] {
        guard name == "oob" else { throw QMPError("Parameter 'null' does not accept value '\(name)'") }
        throw QMPError("Capability \(name) not available")
    }
    return .negotiateCapabilities
}
