public import Options

/// Parses the text after `-device` or `device_add`.
///
/// Whether the objects exist, and whether the slot is free, depends on the other devices: see ``DeviceInventory``.
/// - Throws: the first thing that is wrong, in the order in which QEMU looks.
public func parseDevice(_ text: String) throws(DialectError) -> ParsedOption<any DeviceOptions> {
    let options = try OptionString(text, impliedName: "driver")
    if options.wantsHelp { return .help(try DeviceModel.help(options.last("driver"))) }
    var reader = PropertyReader(options)
    let value = try parseDevice(from: &reader)
    return .value(value, warnings: reader.warnings)
}

/// Understands properties that were given one by one.
/// - Throws: the first thing that is wrong, in the order in which QEMU looks.
public func parseDevice(_ properties: [Property]) throws(DialectError) -> any DeviceOptions {
    var reader = PropertyReader(OptionString(properties: properties))
    return try parseDevice(from: &reader)
}

private func parseDevice(from reader: inout PropertyReader) throws(DialectError) -> any DeviceOptions {
    let id = try reader.identifier()
    guard let name = reader.text("driver") else {
        throw .missingParameter("driver", advice: "Begin with the model: \(VirtioPMemOptions.model),memdev=...")
    }
    return try DeviceModel.named(name).parse(&reader, id)
}
