let deviceAddVerb = HMPVerb(
    ["device_add"], parameters: "driver[,prop=value][,...]", help: "add device, like -device on the command line",
    candidates: { before, _ in before.isEmpty ? deviceModels.map(\.name) : [] }
) { (arguments) throws(HMPError) in
    let text = try arguments.takeWord() ?? ""
    try arguments.finish()
    do throws(DialectError) {
        switch try parseDevice(text) {
        case .help(let help): return .show(help)
        case .value(let options, let warnings): return .addDevice(options, warnings: warnings)
        }
    } catch { throw .dialect(error) }
}

let deviceDelVerb = HMPVerb(
    ["device_del"], parameters: "device", help: "remove device",
    candidates: { before, names in before.isEmpty ? names.devices : [] }
) { (arguments) throws(HMPError) in
    .removeDevice(id: try arguments.takeOnlyWord())
}
