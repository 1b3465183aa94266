/// Takes a command's arguments one by one; what is left at the end is unknown.
struct ArgumentReader {
    private var remaining: [JSONMember]

    init(_ arguments: [JSONMember]) { remaining = arguments }

    mutating func value(_ name: String) -> JSONValue? {
        guard let index = remaining.firstIndex(where: { $0.name == name }) else { return nil }
        return remaining.remove(at: index).value
    }

    mutating func string(_ name: String) throws(QMPError) -> String {
        guard let value = value(name) else { throw .missing(name) }
        guard case .string(let text) = value else { throw .wrongType(name, expected: "string") }
        return text
    }

    mutating func optionalString(_ name: String) throws(QMPError) -> String? {
        switch value(name) {
        case nil: return nil
        case .string(let text): return text
        default: throw .wrongType(name, expected: "string")
        }
    }

    mutating func optionalInteger(_ name: String) throws(QMPError) -> Int64? {
        guard let value = value(name) else { return nil }
        guard case .integer(let number) = value else { throw .wrongType(name, expected: "integer") }
        return number
    }

    mutating func optionalUnsigned(_ name: String) throws(QMPError) -> UInt64? {
        switch value(name) {
        case nil: return nil
        case .unsigned(let number): return number
        case .integer(let number) where number >= 0: return UInt64(number)
        default: throw .wrongType(name, expected: "uint64")
        }
    }

    mutating func optionalStrings(_ name: String) throws(QMPError) -> [String]? {
        guard let value = value(name) else { return nil }
        guard case .array(let elements) = value else { throw .wrongType(name, expected: "array") }
        var texts: [String] = []
        for element in elements {
            guard case .string(let text) = element else { throw .wrongType("null", expected: "string") }
            texts.append(text)
        }
        return texts
    }

    /// - Throws: for the first argument that was not taken.
    func finish() throws(QMPError) {
        if let unknown = remaining.first { throw .unexpected(unknown.name) }
    }

    /// Everything, for commands whose arguments are properties.
    mutating func takeAll() -> [JSONMember] {
        defer { remaining = [] }
        return remaining
    }
}
