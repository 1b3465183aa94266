import Options

/// An object type, in one row: its name, its properties, and the rules for them together.
public struct ObjectType: Sendable {
    /// `qom-type`.
    public let name: String
    /// What devices use the object as, such as `memory-backend`.
    public let interface: String
    /// What advice shows after the id.
    let example: String
    /// By name; those that QEMU has and we have not are among them.
    let listProperties: @Sendable () -> [PropertyDescription]
    let parse: @Sendable (inout PropertyReader, _ id: String) throws(DialectError) -> any ObjectOptions

    /// - Parameters:
    ///   - blank: options without any property: those are the defaults.
    ///   - rows: beside `id`, in the order of QEMU's schema, which is the order in which it reports errors.
    ///   - check: what has to be right beside each property by itself.
    init<Options: ObjectOptions>(
        _ blank: Options, example: String = "", rows: [PropertyRow<Options>],
        check: @escaping @Sendable (Options) throws(DialectError) -> Void = { _ in }
    ) {
        let name = Options.type
        self.name = name
        interface = Options.interface
        self.example = example
        let list: @Sendable () -> [PropertyDescription] = {
            ([idDescription("Name of the object (required)")] + rows.map { $0.description(defaults: blank) })
                .sorted { $0.name < $1.name }
        }
        listProperties = list
        parse = { (reader, id) throws(DialectError) in
            var options = blank
            options.id = id
            try reader.take(rows, into: &options, owner: name)
            try reader.finish(accepted: list().filter(\.isSupported).map(\.name))
            try check(options)
            return options
        }
    }

    /// The properties that are to be had, by name.
    public var properties: [PropertyDescription] { listProperties().filter(\.isSupported) }

    /// How JSON has a property's value; nil for a property that the type does not have.
    public func form(of property: String) -> PropertyForm? {
        listProperties().first { $0.name == property }?.form
    }
}

extension ObjectType {
    /// The row of a type.
    ///
    /// - Throws: for one that is not to be had.
    static func named(_ name: String) throws(DialectError) -> ObjectType {
        guard let type = objectTypes.first(where: { $0.name == name }) else {
            throw .valueNotAccepted(parameter: "qom-type", value: name, accepted: objectTypes.map(\.name))
        }
        return type
    }

    /// The answer to `-object help` (nil or `help` as the type) and `-object TYPE,help`.
    static func help(_ name: String?) throws(DialectError) -> String {
        guard let name, !isHelpRequest(name) else {
            return "List of user creatable objects:\n" + objectTypes.map { "  \($0.name)\n" }.joined()
        }
        let type = try named(name)
        return "\(type.name) options:\n" + type.properties.map(\.helpLine).joined()
    }
}
