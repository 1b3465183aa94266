// Properties of QEMU that have one possible value here: that value is accepted, so that copied lines work, and any
// other is refused by name. Nothing is stored.

extension PropertyRow {
    static func only(_ name: String, _ value: Bool, _ reason: String) -> Self {
        let word = value ? "on" : "off"
        return Self(
            name, type: "bool", "only \(word): \(reason)", form: .boolean, value: { _ in .boolean(value) },
            take: { (text, _, _) throws(DialectError) in
                guard let boolean = parseBoolean(text) else { throw .expectsBoolean(parameter: name) }
                guard boolean == value else { throw .unsupportedValue(parameter: name, value: text, reason: reason) }
            })
    }

    static func on(_ name: String, _ reason: String) -> Self { only(name, true, reason) }
    static func off(_ name: String, _ reason: String) -> Self { only(name, false, reason) }

    /// One of some words of which one is refused, or all but one.
    ///
    /// - Parameter possible: the first is the default.
    static func words(
        _ name: String, type: String, _ accepted: [String], possible: [String], _ reason: String
    ) -> Self {
        Self(
            name, type: type, "only \(possible.joined(separator: " or ")): \(reason)",
            value: { _ in possible.first.map { .text($0) } },
            take: { (text, _, _) throws(DialectError) in
                guard accepted.contains(text) else {
                    throw .valueNotAccepted(parameter: name, value: text, accepted: accepted)
                }
                guard possible.contains(text) else {
                    throw .unsupportedValue(parameter: name, value: text, reason: reason)
                }
            })
    }

    /// - Parameter possible: the first is the default.
    static func numbers(_ name: String, _ possible: [UInt32], _ reason: String) -> Self {
        Self(
            name, type: "uint32", "only \(possible.map { "\($0)" }.joined(separator: " or ")): \(reason)",
            form: .integer, value: { _ in possible.first.map { .integer(UInt64($0)) } },
            take: { (text, _, _) throws(DialectError) in
                let number: UInt32 = try parseInteger(text, of: name)
                guard possible.contains(number) else {
                    throw .unsupportedValue(parameter: name, value: text, reason: reason)
                }
            })
    }

    static func emptyText(_ name: String, _ reason: String) -> Self {
        Self(
            name, type: "str", "only empty: \(reason)", value: { _ in .text("") },
            take: { (text, _, _) throws(DialectError) in
                guard text.isEmpty else { throw .unsupportedValue(parameter: name, value: text, reason: reason) }
            })
    }

    /// A property that is known to QEMU and not to be had here, with any value.
    static func refused(_ name: String, type: String, form: PropertyForm = .text, _ reason: String) -> Self {
        Self(
            name, type: type, "not supported: \(reason)", form: form, isSupported: false,
            take: { (text, _, _) throws(DialectError) in
                throw .unsupportedValue(parameter: name, value: text, reason: reason)
            })
    }
}
