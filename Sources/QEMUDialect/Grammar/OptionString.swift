/// One `name=value` of an option string.
public struct Property: Equatable, Sendable {
    public let name: String
    public let value: String

    public init(name: String, value: String) {
        self.name = name
        self.value = value
    }
}

/// The text after `-object`, `-device`, `-m` and their like, taken apart but not yet understood:
/// `first,key=value,flag,key=a,,b`.
///
/// A double comma stands for one comma inside a value. The first item may leave out its key when the option implies
/// one (`-object memory-backend-file,...` is `qom-type=memory-backend-file`).
public struct OptionString: Equatable, Sendable {
    /// What an item without `=` means.
    public enum FlagStyle: Sendable {
        /// `share` is `share=on`, `noshare` is `share=off`, each with a warning that this form is deprecated.
        case warned
        /// The same, silently.
        case silent
        /// An error.
        case refused
    }

    /// In the order given; a name may occur more than once.
    public let properties: [Property]
    /// One text for each short form that was used.
    public let warnings: [String]
    /// `help` or `?` stands where a name may stand.
    public let wantsHelp: Bool

    public init(properties: [Property]) {
        self.properties = properties
        warnings = []
        wantsHelp = false
    }

    /// Takes `text` apart.
    /// - Parameters:
    ///   - impliedName: The name of a first item that has none.
    ///   - flags: What a later item without `=` means.
    /// - Throws: ``DialectError/jsonNotAccepted`` for text that starts with a brace, and
    ///   ``DialectError/flagWithoutValue(_:)`` for a flag where none may be.
    public init(_ text: String, impliedName: String? = nil, flags: FlagStyle = .warned) throws(DialectError) {
        guard text.utf8.first != UInt8(ascii: "{") else { throw .jsonNotAccepted }
        var properties: [Property] = []
        var warnings: [String] = []
        var wantsHelp = false
        var items = OptionItems(text)
        var implied = impliedName
        while let item = items.next() {
            switch (item, implied) {
            case (.pair(let name, let value), _):
                wantsHelp = wantsHelp || isHelpRequest(name)
                properties.append(Property(name: name, value: value))
            case (.bare(let value), let name?):
                wantsHelp = wantsHelp || isHelpRequest(value)
                properties.append(Property(name: name, value: value))
            case (.bare(let flag), nil) where isHelpRequest(flag):
                wantsHelp = true
            case (.bare(let flag), nil):
                guard flags != .refused else { throw .flagWithoutValue(flag) }
                let property = Property(flag: flag)
                properties.append(property)
                if flags == .warned { warnings.append(shortFormWarning(flag, property)) }
            }
            implied = nil
        }
        self.properties = properties
        self.warnings = warnings
        self.wantsHelp = wantsHelp
    }

    /// The value that counts when `name` is given more than once: the last.
    public func last(_ name: String) -> String? {
        properties.last { $0.name == name }?.value
    }

    /// The first value of `name`; what counts for `id`.
    public func first(_ name: String) -> String? {
        properties.first { $0.name == name }?.value
    }
}

extension Property {
    /// `share` or `noshare`.
    fileprivate init(flag: String) {
        if flag.utf8.starts(with: "no".utf8) {
            self.init(name: String(decoding: flag.utf8.dropFirst(2), as: UTF8.self), value: "off")
        } else {
            self.init(name: flag, value: "on")
        }
    }
}

func isHelpRequest(_ text: String) -> Bool {
    text == "help" || text == "?"
}

private func shortFormWarning(_ flag: String, _ property: Property) -> String {
    "warning: short-form boolean option '\(flag)' deprecated\nPlease use \(property.name)=\(property.value) instead"
}

/// Walks the items of an option string. Works on bytes: a comma followed by a combining character is one `Character`,
/// and still separates.
private struct OptionItems {
    enum Item {
        case pair(name: String, value: String)
        case bare(String)
    }

    private static let comma = UInt8(ascii: ",")
    private static let equals = UInt8(ascii: "=")
    private var rest: ArraySlice<UInt8>

    init(_ text: String) {
        rest = Array(text.utf8)[...]
    }

    mutating func next() -> Item? {
        guard !rest.isEmpty else { return nil }
        let name = rest.prefix { $0 != Self.comma && $0 != Self.equals }
        guard rest.dropFirst(name.count).first == Self.equals else { return .bare(takeValue()) }
        rest = rest.dropFirst(name.count + 1)
        return .pair(name: String(decoding: name, as: UTF8.self), value: takeValue())
    }

    /// The text up to the next single comma, which is swallowed.
    private mutating func takeValue() -> String {
        var value: [UInt8] = []
        while let byte = rest.popFirst() {
            if byte == Self.comma {
                guard rest.first == Self.comma else { break }
                rest = rest.dropFirst()
            }
            value.append(byte)
        }
        return String(decoding: value, as: UTF8.self)
    }
}
