import Options

/// A device model, in one row: its name, its properties, and the rules for the objects that it uses.
public struct DeviceModel: Sendable {
    /// As `-device` takes it.
    public let name: String
    /// What else `-device` takes for it.
    let aliases: [String]
    /// The virtio device without a bus, which cannot be had.
    let withoutTransport: String
    /// Under which heading `-device help` lists it.
    let category: String
    let meaning: String
    /// By name.
    let listProperties: @Sendable () -> [PropertyDescription]
    let parse: @Sendable (inout PropertyReader, _ id: String?) throws(DialectError) -> any DeviceOptions
    /// The rules for the objects, which are there and have the right interface; nil options are of another model.
    let checkObjects: @Sendable (any DeviceOptions, _ objects: [any ObjectOptions]) throws(DialectError) -> Void

    /// - Parameters:
    ///   - blank: options without any property: those are the defaults.
    ///   - rows: beside `id` and ``virtioPCIProperties``, in the order in which their errors are reported.
    ///   - check: what has to be right beside each property by itself.
    ///   - checkObjects: which of the objects that fit the device are refused.
    init<Options: DeviceOptions>(
        _ blank: Options, aliases: [String] = [], withoutTransport: String, category: String, _ meaning: String,
        rows: [PropertyRow<Options>],
        check: @escaping @Sendable (Options) throws(DialectError) -> Void = { _ in },
        checkObjects: @escaping @Sendable (Options, [any ObjectOptions]) throws(DialectError) -> Void = { _, _ in }
    ) {
        let name = Options.model
        let allRows =
            virtioPCIProperties.map { $0.inside { (options: inout Options, use) in use(&options.pci) } } + rows
        self.name = name
        self.aliases = aliases
        self.withoutTransport = withoutTransport
        self.category = category
        self.meaning = meaning
        listProperties = {
            ([idDescription("Name of the device")] + allRows.map { $0.description(defaults: blank) })
                .sorted { $0.name < $1.name }
        }
        parse = { (reader, id) throws(DialectError) in
            var options = blank
            options.pci.id = id
            try reader.take(allRows, into: &options, owner: name)
            if let unknown = reader.unknown { throw .propertyNotFound(device: name, property: unknown) }
            try check(options)
            return options
        }
        self.checkObjects = { (options, objects) throws(DialectError) in
            if let options = options as? Options { try checkObjects(options, objects) }
        }
    }

    /// The properties, by name.
    public var properties: [PropertyDescription] { listProperties() }
}

func idDescription(_ meaning: String) -> PropertyDescription {
    PropertyDescription(name: "id", type: "str", meaning: meaning, form: .text, isSupported: true, defaultValue: nil)
}

extension DeviceModel {
    /// The row of a model.
    ///
    /// - Throws: for one that is not to be had.
    static func named(_ name: String) throws(DialectError) -> DeviceModel {
        if let model = deviceModels.first(where: { $0.name == name || $0.aliases.contains(name) }) { return model }
        if name == "nvdimm" { throw .nvdimmNotSupported }
        if let model = deviceModels.first(where: { $0.withoutTransport == name }) {
            throw .deviceWithoutTransport(name, model: model.name)
        }
        throw .unknownDevice(name)
    }

    /// The answer to `-device help` (nil or `help` as the model) and `-device MODEL,help`.
    static func help(_ name: String?) throws(DialectError) -> String {
        guard let name, !isHelpRequest(name) else { return list }
        let model = try named(name)
        return "\(model.name) options:\n" + model.properties.map(\.helpLine).joined()
    }

    /// Models of one category stand together.
    private static var list: String {
        var lines: [String] = []
        for (index, model) in deviceModels.enumerated() {
            if index == 0 || deviceModels[index - 1].category != model.category {
                lines.append((index == 0 ? "" : "\n") + "\(model.category) devices:")
            }
            let alias = model.aliases.first.map { ", alias \"\($0)\"" } ?? ""
            lines.append("name \"\(model.name)\", bus PCI\(alias), desc \"\(model.meaning)\"")
        }
        return lines.map { $0 + "\n" }.joined()
    }
}
