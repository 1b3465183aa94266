/// Takes properties out of an option string one by one, in the order in which their errors should be reported; what is
/// left at the end is unknown.
struct PropertyReader {
    private var remaining: [Property]
    private(set) var warnings: [String]

    init(_ options: OptionString) {
        remaining = options.properties
        warnings = options.warnings
    }

    /// The last value of `name`.
    mutating func text(_ name: String) -> String? {
        let value = remaining.last { $0.name == name }?.value
        remaining.removeAll { $0.name == name }
        return value
    }

    /// The first value of `id`, and it is an identifier; nil without one.
    mutating func identifier() throws(DialectError) -> String? {
        guard let id = remaining.first(where: { $0.name == "id" })?.value else { return nil }
        remaining.removeAll { $0.name == "id" }
        guard isIdentifier(id) else { throw .expectsIdentifier(parameter: "id", value: id) }
        return id
    }

    mutating func boolean(_ name: String) throws(DialectError) -> Bool? {
        guard let value = text(name) else { return nil }
        guard let boolean = parseBoolean(value) else { throw .expectsBoolean(parameter: name) }
        return boolean
    }

    /// Every property of a table, in its order.
    mutating func take<Target>(
        _ rows: [PropertyRow<Target>], into target: inout Target, owner: String
    ) throws(DialectError) {
        var context = PropertyContext(owner: owner)
        for row in rows {
            if let value = text(row.name) {
                try row.take(value, &target, &context)
            } else if let missing = row.missing {
                throw missing
            }
        }
        warnings += context.warnings
    }

    mutating func unsigned(_ name: String) throws(DialectError) -> UInt64? {
        guard let value = text(name) else { return nil }
        guard let number = parseUnsigned(value) else { throw .expectsUnsigned(parameter: name) }
        return number
    }

    /// One of the raw values of `Choice`.
    mutating func choice<Choice: RawRepresentable<String> & CaseIterable>(
        _ name: String, _: Choice.Type
    ) throws(DialectError) -> Choice? {
        guard let value = text(name) else { return nil }
        guard let choice = Choice(rawValue: value) else {
            throw .valueNotAccepted(parameter: name, value: value, accepted: Choice.allCases.map(\.rawValue))
        }
        return choice
    }

    /// The first property that was not taken.
    var unknown: String? { remaining.first?.name }

    /// - Throws: ``DialectError/invalidParameter(_:accepted:)`` for the first property that was not taken.
    func finish(accepted: @autoclosure () -> [String]) throws(DialectError) {
        if let unknown { throw .invalidParameter(unknown, accepted: accepted()) }
    }
}

func suffixedHexadecimalWarning(_ text: String) -> String {
    "warning: Using a multiplier suffix on hex numbers is deprecated: \(text)"
}
