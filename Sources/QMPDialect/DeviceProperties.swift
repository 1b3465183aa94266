import QEMUDialect

/// `device-list-properties`.
///
/// - Throws: for a type that is no device.
public func propertiesAnswer(typeName: String) throws(QMPError) -> JSONValue {
    if objectTypes.contains(where: { $0.name == typeName }) {
        throw QMPError("Parameter 'typename' expects a non-abstract device type")
    }
    guard let model = deviceModels.first(where: { $0.name == typeName }) else {
        throw QMPError("Device '\(typeName)' not found", errorClass: .deviceNotFound)
    }
    return .array(model.properties.map(propertyAnswer))
}

private func propertyAnswer(_ property: PropertyDescription) -> JSONValue {
    let defaultValue: JSONValue? =
        switch property.defaultValue {
        case .boolean(let value): .boolean(value)
        case .integer(let value): .integer(value)
        case .text(let value): .string(value)
        case nil: nil
        }
    var members = defaultValue.map { [JSONMember("default-value", $0)] } ?? []
    members += [
        JSONMember("name", .string(property.name)), JSONMember("description", .string(property.meaning)),
        JSONMember("type", .string(property.type)),
    ]
    return .object(members)
}
