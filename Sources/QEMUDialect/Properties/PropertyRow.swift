import Options

/// A property of a device or an object, in one row: how its text is understood, where the value goes, what the default
/// is, and what `help`, `device-list-properties` and `info qtree` say of it.
struct PropertyRow<Target>: Sendable {
    /// Gives access to a field of the options: `{ $1(&$0.queueSize) }`. A key path would do the same, but takes 4 us
    /// at the start.
    typealias Field<Value> = @Sendable (inout Target, (inout Value) -> Void) -> Void
    /// Understands the text and sets the field.
    typealias Take = @Sendable (String, inout Target, inout PropertyContext) throws(DialectError) -> Void

    let name: String
    /// In QEMU's notation, such as `bool`.
    let type: String
    let meaning: String
    let form: PropertyForm
    /// False for a property of QEMU's that every value is refused of.
    let isSupported: Bool
    /// The field's value; nil without one.
    let value: @Sendable (Target) -> PropertyValue?
    /// Thrown if the property is not given; nil: it may be left out.
    let missing: DialectError?
    let take: Take

    init(
        _ name: String, type: String, _ meaning: String, form: PropertyForm = .text, isSupported: Bool = true,
        missing: DialectError? = nil,
        value: @escaping @Sendable (Target) -> PropertyValue? = { _ in nil }, take: @escaping Take
    ) {
        self.name = name
        self.type = type
        self.meaning = meaning
        self.form = form
        self.isSupported = isSupported
        self.missing = missing
        self.value = value
        self.take = take
    }

    /// The same property of options that contain these.
    func inside<Outer>(_ field: @escaping PropertyRow<Outer>.Field<Target>) -> PropertyRow<Outer> {
        let (value, take) = (value, take)
        return PropertyRow<Outer>(
            name, type: type, meaning, form: form, isSupported: isSupported, missing: missing,
            value: { value(read(field, of: $0)) },
            take: { (text, outer, context) throws(DialectError) in
                var inner = read(field, of: outer)
                try take(text, &inner, &context)
                field(&outer) { $0 = inner }
            })
    }
}

/// How JSON has a property's value in `object-add`, which is strict; `device_add` takes the text of any scalar.
public enum PropertyForm: Equatable, Sendable {
    case boolean
    /// A number that is not negative.
    case size
    case integer
    case text
}

/// A property's value, for help and introspection.
public enum PropertyValue: Equatable, Sendable {
    case boolean(Bool)
    case integer(UInt64)
    case text(String)

    /// As the option grammar has it.
    var text: String {
        switch self {
        case .boolean(let value): value ? "on" : "off"
        case .integer(let value): "\(value)"
        case .text(let value): value
        }
    }
}

/// What a row may need to know beside the text, and where it leaves warnings.
struct PropertyContext {
    /// The device model or object type.
    let owner: String
    var warnings: [String] = []
}

/// A property as `help` and `device-list-properties` show it.
public struct PropertyDescription: Equatable, Sendable {
    public let name: String
    /// In QEMU's notation, such as `bool`.
    public let type: String
    public let meaning: String
    public let form: PropertyForm
    let isSupported: Bool
    /// Nil: without the property, the device or object has nothing of the kind, or it cannot be left out.
    public let defaultValue: PropertyValue?

    /// As `help` shows it.
    var helpLine: String {
        let left = "  \(name)=<\(type)>"
        return left + String(repeating: " ", count: max(0, 25 - left.utf8.count)) + " - \(meaning)"
            + (defaultValue.map { " (default: \($0.text))" } ?? "") + "\n"
    }
}

extension PropertyRow {
    func description(defaults: Target) -> PropertyDescription {
        // A text that is empty says no more than none; and a property that has to be given has no default.
        let defaultValue = missing == nil ? value(defaults).flatMap { $0 == .text("") ? nil : $0 } : nil
        return PropertyDescription(
            name: name, type: type, meaning: meaning, form: form, isSupported: isSupported, defaultValue: defaultValue)
    }
}

/// A field's value.
func read<Target, Value>(_ field: PropertyRow<Target>.Field<Value>, of target: Target) -> Value {
    var copy = target
    var result: Value?
    field(&copy) { result = $0 }
    guard let result else { preconditionFailure("a property's row does not reach its field") }
    return result
}
