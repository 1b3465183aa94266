import QEMUDialect

let deviceAddVerb = QMPVerb("device_add") { (arguments) throws(QMPError) in
    var properties: [Property] = []
    for member in arguments.takeAll() {
        properties.append(Property(name: member.name, value: try devicePropertyText(member)))
    }
    do throws(DialectError) {
        return .addDevice(try parseDevice(properties))
    } catch { throw QMPError(error) }
}

let deviceDelVerb = QMPVerb("device_del") { (arguments) throws(QMPError) in
    .removeDevice(id: try arguments.string("id"))
}

let listPropertiesVerb = QMPVerb("device-list-properties") { (arguments) throws(QMPError) in
    .listProperties(typeName: try arguments.string("typename"))
}

/// Unlike `object-add`, `device_add` takes any scalar and reads its text.
private func devicePropertyText(_ member: JSONMember) throws(QMPError) -> String {
    switch member.value {
    case .string(let value): value
    case .boolean(let value): value ? "on" : "off"
    case .integer, .unsigned, .number: member.value.text
    case .null, .array, .object: throw .wrongType(member.name, expected: "string")
    }
}
