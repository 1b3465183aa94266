/// Takes properties out of an option string one by one, in the order in which their errors should be reported; what is
/// left at the end nobody knows.
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

    /// A size in bytes.
    mutating func size(_ name: String) throws(DialectError) -> UInt64? {
        guard let value = text(name) else { return nil }
        guard let size = try? Size(value) else { throw .expectsSize(parameter: name) }
        if size.isSuffixedHexadecimal { warnings.append(suffixedHexadecimalWarning(value)) }
        return size.bytes
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

    /// - Throws: ``DialectError/invalidParameter(_:accepted:)`` for the first property that nobody took.
    func finish(accepted: [String]) throws(DialectError) {
        if let unknown = remaining.first {
            throw .invalidParameter(unknown.name, accepted: accepted)
        }
    }
}

func suffixedHexadecimalWarning(_ text: String) -> String {
    "warning: Using a multiplier suffix on hex numbers is deprecated: \(text)"
}
