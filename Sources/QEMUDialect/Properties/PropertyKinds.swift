import Options

// The kinds of properties, each with QEMU's words for a value that it does not take.

extension PropertyRow {
    /// `on` or `off`.
    static func boolean(_ name: String, _ meaning: String, _ field: @escaping Field<Bool>) -> Self {
        Self(
            name, type: "bool", meaning, form: .boolean, value: { .boolean(read(field, of: $0)) },
            take: { (text, target, _) throws(DialectError) in
                guard let value = parseBoolean(text) else { throw .expectsBoolean(parameter: name) }
                field(&target) { $0 = value }
            })
    }

    /// One of the raw values of `Choice`.
    static func choice<Choice: RawRepresentable<String> & CaseIterable & Sendable>(
        _ name: String, type: String = "str", _ meaning: String, _ field: @escaping Field<Choice>
    ) -> Self {
        Self(
            name, type: type, meaning, value: { .text(read(field, of: $0).rawValue) },
            take: { (text, target, _) throws(DialectError) in
                guard let value = Choice(rawValue: text) else {
                    throw .valueNotAccepted(parameter: name, value: text, accepted: Choice.allCases.map(\.rawValue))
                }
                field(&target) { $0 = value }
            })
    }

    /// A size in bytes.
    ///
    /// - Parameters:
    ///   - least: the least size that is taken.
    ///   - missing: what to do about it when the property is not given; nil: it may be left out.
    static func size(
        _ name: String, _ meaning: String, least: UInt64 = 0, missing: String? = nil, _ field: @escaping Field<UInt64>
    ) -> Self {
        Self(
            name, type: "size", meaning, form: .size,
            missing: missing.map { .missingParameter(name, advice: $0) },
            value: { .integer(read(field, of: $0)) },
            take: { (text, target, context) throws(DialectError) in
                guard let size = try? Size(text) else { throw .expectsSize(parameter: name) }
                if size.isSuffixedHexadecimal { context.warnings.append(suffixedHexadecimalWarning(text)) }
                guard size.bytes >= least else {
                    throw .propertyRefusesValue(property: name, type: context.owner, value: "\(size.bytes)")
                }
                field(&target) { $0 = size.bytes }
            })
    }

    /// An integer of a device's property, of 64 bits unless `type` is `uint32` or `uint16`.
    ///
    /// - Parameter check: what is wrong with a value; nil: nothing.
    static func integer<Value: FixedWidthInteger & UnsignedInteger & Sendable>(
        _ name: String, _ meaning: String,
        check: @escaping @Sendable (Value, _ owner: String) -> DialectError? = { _, _ in nil },
        _ field: @escaping Field<Value>
    ) -> Self {
        Self(
            name, type: "uint\(Value.bitWidth)", meaning, form: .integer,
            value: { .integer(UInt64(read(field, of: $0))) },
            take: { (text, target, context) throws(DialectError) in
                let value: Value = try parseInteger(text, of: name)
                if let problem = check(value, context.owner) { throw problem }
                field(&target) { $0 = value }
            })
    }

    /// A text as it stands.
    ///
    /// - Parameter missing: what to do about it when the property is not given; nil: it may be left out. Then an empty
    ///   text is refused as well.
    static func text(
        _ name: String, type: String = "str", _ meaning: String, missing: String? = nil,
        _ field: @escaping Field<String>
    ) -> Self {
        Self(
            name, type: type, meaning, missing: missing.map { .missingParameter(name, advice: $0) },
            value: { .text(read(field, of: $0)) },
            take: { (text, target, context) throws(DialectError) in
                if missing != nil, text.isEmpty {
                    throw .propertyRefusesValue(property: name, type: context.owner, value: "")
                }
                field(&target) { $0 = text }
            })
    }

    /// The id of an object.
    static func link(
        _ name: String, to interface: String, _ meaning: String, _ field: @escaping Field<String?>
    ) -> Self {
        Self(
            name, type: "link<\(interface)>", meaning, value: { read(field, of: $0).map { .text($0) } },
            take: { (text, target, _) throws(DialectError) in
                // As QEMU has it: an empty link leads nowhere.
                field(&target) { $0 = text.isEmpty ? nil : text }
            })
    }
}

/// A device's unsigned integer, as QEMU reads it: a negative number counts from 2^64 down.
func parseInteger<Value: FixedWidthInteger & UnsignedInteger>(
    _ text: String, of name: String
) throws(DialectError) -> Value {
    let isNegative = text.utf8.first == UInt8(ascii: "-")
    let digits = isNegative ? String(decoding: text.utf8.dropFirst(), as: UTF8.self) : text
    guard let magnitude = parseUnsigned(digits), !isNegative || digits.utf8.first != UInt8(ascii: "+") else {
        throw .expectsInteger(parameter: name)
    }
    guard let value = Value(exactly: isNegative ? 0 &- magnitude : magnitude) else {
        throw .expectsIntegerOfWidth(parameter: name, Value.bitWidth)
    }
    return value
}
