import FoundationEssentials

extension JSONValue: Decodable {
    public init(from decoder: any Decoder) throws {
        if let members = try? decoder.container(keyedBy: AnyKey.self) {
            // Decoding loses the order that the text had.
            let keys = members.allKeys.sorted { $0.stringValue < $1.stringValue }
            self = .object(try keys.map { JSONMember($0.stringValue, try members.decode(JSONValue.self, forKey: $0)) })
        } else if var elements = try? decoder.unkeyedContainer() {
            var values: [JSONValue] = []
            while !elements.isAtEnd { values.append(try elements.decode(JSONValue.self)) }
            self = .array(values)
        } else {
            self = try Self.scalar(decoder.singleValueContainer())
        }
    }

    private static func scalar(_ container: any SingleValueDecodingContainer) throws -> JSONValue {
        if container.decodeNil() { return .null }
        if let value = try? container.decode(Bool.self) { return .boolean(value) }
        if let value = try? container.decode(String.self) { return .string(value) }
        if let value = try? container.decode(Int64.self) { return .integer(value) }
        if let value = try? container.decode(UInt64.self) { return .unsigned(value) }
        return .number(try container.decode(Double.self))
    }

    private struct AnyKey: CodingKey {
        let stringValue: String
        let intValue: Int? = nil

        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }
}

/// Reads one JSON text.
///
/// - Throws: ``QMPError`` in QEMU's manner: generic, "JSON parse error, ...".
public func decodeJSON(_ text: [UInt8]) throws(QMPError) -> JSONValue {
    // The decoder would silently replace what is no UTF-8.
    guard String(validating: text, as: UTF8.self) != nil else { throw .parseError("invalid UTF-8") }
    do {
        return try JSONDecoder().decode(JSONValue.self, from: Data(text))
    } catch {
        throw .parseError("expecting value")
    }
}
