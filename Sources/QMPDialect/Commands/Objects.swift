import QEMUDialect

let objectAddVerb = QMPVerb("object-add") { (arguments) throws(QMPError) in
    var properties: [Property] = []
    for member in arguments.takeAll() {
        properties.append(Property(name: member.name, value: try objectPropertyText(member)))
    }
    do throws(DialectError) {
        return .addObject(try parseObject(properties))
    } catch { throw QMPError(error) }
}

let objectDelVerb = QMPVerb("object-del") { (arguments) throws(QMPError) in
    .removeObject(id: try arguments.string("id"))
}

private let booleans: Set = [
    "discard-data", "dump", "hugetlb", "merge", "pmem", "prealloc", "readonly", "reserve", "seal", "share",
    "x-use-canonical-path-for-ramblock-id",
]
private let sizes: Set = ["align", "hugetlbsize", "offset", "size"]

/// A property's value as the option grammar has it. QMP is strict: a size is a number, a switch is true or false.
private func objectPropertyText(_ member: JSONMember) throws(QMPError) -> String {
    let name = member.name
    switch (member.value, booleans.contains(name), sizes.contains(name)) {
    case (.boolean(let value), true, _): return value ? "on" : "off"
    case (_, true, _): throw .wrongType(name, expected: "boolean")
    case (.integer(let value), _, true) where value >= 0: return String(value)
    case (.unsigned(let value), _, true): return String(value)
    case (_, _, true): throw QMPError("Parameter '\(name)' expects uint64")
    case (.integer(let value), _, _) where name == "prealloc-threads": return String(value)
    case (_, _, _) where name == "prealloc-threads": throw .wrongType(name, expected: "integer")
    case (.string(let value), _, _): return value
    case (_, _, _) where ["durability", "id", "locking", "mem-path", "policy", "qom-type", "rom"].contains(name):
        throw .wrongType(name, expected: "string")
    default: throw .unexpected(name)
    }
}
