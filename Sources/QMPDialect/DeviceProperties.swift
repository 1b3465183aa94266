import QEMUDialect

/// `device-list-properties`.
///
/// - Throws: for a type that is no device.
public func propertiesAnswer(typeName: String) throws(QMPError) -> JSONValue {
    if MemoryBackendOptions.Kind(rawValue: typeName) != nil {
        throw QMPError("Parameter 'typename' expects a non-abstract device type")
    }
    guard typeName == virtioPMemModel else {
        throw QMPError("Device '\(typeName)' not found", errorClass: .deviceNotFound)
    }
    return .array(
        deviceProperties.map { property in
            .object([
                "name": .string(property.name), "description": .string(property.meaning),
                "type": .string(property.type),
            ])
        })
}
