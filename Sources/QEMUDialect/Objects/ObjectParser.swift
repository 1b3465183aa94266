public import Options

/// Parses the text after `-object` or `object_add`.
/// - Throws: the first thing that is wrong, in the order in which QEMU looks.
public func parseObject(_ text: String) throws(DialectError) -> ParsedOption<any ObjectOptions> {
    let options = try OptionString(text, impliedName: "qom-type")
    if options.wantsHelp { return .help(try ObjectType.help(options.last("qom-type"))) }
    var reader = PropertyReader(options)
    let value = try parseObject(from: &reader)
    return .value(value, warnings: reader.warnings)
}

/// Understands properties that were given one by one.
/// - Throws: the first thing that is wrong, in the order in which QEMU looks.
public func parseObject(_ properties: [Property]) throws(DialectError) -> any ObjectOptions {
    var reader = PropertyReader(OptionString(properties: properties))
    return try parseObject(from: &reader)
}

private func parseObject(from reader: inout PropertyReader) throws(DialectError) -> any ObjectOptions {
    let id = try reader.identifier()
    guard let name = reader.text("qom-type") else {
        throw .missingParameter("qom-type", advice: "Begin with the type: \(FileBackendOptions.type),id=...")
    }
    let type = try ObjectType.named(name)
    guard let id else {
        throw .missingParameter("id", advice: "Add id=NAME, for example id=mem1; a device names the object by it.")
    }
    return try type.parse(&reader, id)
}

/// What an option's text gives: a value, with the warnings that it deserves, or a text that answers `help`.
public enum ParsedOption<Value: Sendable>: Sendable {
    case value(Value, warnings: [String])
    case help(String)
}
