let objectAddVerb = HMPVerb(
    ["object_add"], parameters: "[qom-type=]type,id=str[,prop=value][,...]", help: "create QOM object",
    candidates: { before, _ in before.isEmpty ? objectTypes.map(\.name) : [] }
) { (arguments) throws(HMPError) in
    let text = try arguments.takeOnlyLine()
    do throws(DialectError) {
        switch try parseObject(text) {
        case .help(let help): return .show(help)
        case .value(let options, let warnings): return .addObject(options, warnings: warnings)
        }
    } catch { throw .dialect(error) }
}

let objectDelVerb = HMPVerb(
    ["object_del"], parameters: "id", help: "destroy QOM object",
    candidates: { before, names in before.isEmpty ? names.objects : [] }
) { (arguments) throws(HMPError) in
    .removeObject(id: try arguments.takeOnlyWord())
}
