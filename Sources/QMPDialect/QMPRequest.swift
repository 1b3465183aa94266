/// What a client sent, as far as its envelope tells.
public struct QMPRequest: Equatable, Sendable {
    /// To be sent back with the answer.
    public let id: JSONValue?
    /// `execute`.
    public let name: String
    /// `arguments`.
    let arguments: [JSONMember]

    /// Takes a request's envelope apart.
    ///
    /// - Throws: with the request's id, if it has one.
    public init(_ value: JSONValue) throws(QMPRefusal) {
        guard case .object(let members) = value else { throw QMPRefusal(.requestNotAnObject, id: nil) }
        let id = value["id"]
        self.id = id
        do throws(QMPError) {
            name = try Self.takeName(members)
            arguments = try Self.takeArguments(value)
        } catch { throw QMPRefusal(error, id: id) }
    }

    private static func takeName(_ members: [JSONMember]) throws(QMPError) -> String {
        for member in members where !["execute", "arguments", "id"].contains(member.name) {
            throw .memberUnexpected(member.name)
        }
        guard let execute = members.first(where: { $0.name == "execute" })?.value else { throw .executeMissing }
        guard case .string(let name) = execute else { throw .memberNot("execute", "a string") }
        return name
    }

    private static func takeArguments(_ value: JSONValue) throws(QMPError) -> [JSONMember] {
        switch value["arguments"] {
        case nil: return []
        case .object(let members): return members
        default: throw .memberNot("arguments", "an object")
        }
    }
}

/// A request that is not carried out.
public struct QMPRefusal: Error, Equatable, Sendable {
    public let error: QMPError
    public let id: JSONValue?

    public init(_ error: QMPError, id: JSONValue?) {
        self.error = error
        self.id = id
    }
}
