import QEMUDialect

let objectAddVerb = QMPVerb("object-add") { (arguments) throws(QMPError) in
    var properties: [Property] = []
    let members = arguments.takeAll()
    let type = objectTypes.first { type in
        members.contains { $0.name == "qom-type" && $0.value == .string(type.name) }
    }
    for member in members {
        properties.append(Property(name: member.name, value: try objectPropertyText(member, of: type)))
    }
    do throws(DialectError) {
        return .addObject(try parseObject(properties))
    } catch { throw QMPError(error) }
}

let objectDelVerb = QMPVerb("object-del") { (arguments) throws(QMPError) in
    .removeObject(id: try arguments.string("id"))
}

/// A property's value as the option grammar has it. QMP is strict: a size is a number, a switch is true or false.
private func objectPropertyText(_ member: JSONMember, of type: ObjectType?) throws(QMPError) -> String {
    let name = member.name
    // id and qom-type are texts in every type; what the type does not have, the parser refuses by name.
    let form = type?.form(of: name) ?? (["id", "qom-type"].contains(name) ? .text : nil)
    switch (member.value, form) {
    case (.boolean(let value), .boolean): return value ? "on" : "off"
    case (_, .boolean): throw .wrongType(name, expected: "boolean")
    case (.integer(let value), .size) where value >= 0: return String(value)
    case (.unsigned(let value), .size): return String(value)
    case (_, .size): throw QMPError("Parameter '\(name)' expects uint64")
    case (.integer(let value), .integer): return String(value)
    case (_, .integer): throw .wrongType(name, expected: "integer")
    case (.string(let value), _): return value
    case (_, .text): throw .wrongType(name, expected: "string")
    case (_, nil): return ""
    }
}
