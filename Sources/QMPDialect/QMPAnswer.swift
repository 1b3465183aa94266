/// What the server sends, each as one line.
public enum QMPAnswer {
    private static let endOfLine = "\r\n"

    /// - Parameter version: as `query-version` answers.
    public static func greeting(version: JSONValue) -> String {
        JSONValue.object(["QMP": .object(["version": version, "capabilities": []])]).text + endOfLine
    }

    public static func success(_ value: JSONValue, id: JSONValue?) -> String {
        var members = [JSONMember("return", value)]
        if let id { members.append(JSONMember("id", id)) }
        return JSONValue.object(members).text + endOfLine
    }

    public static func failure(_ error: QMPError, id: JSONValue?) -> String {
        let detail = JSONValue.object(["class": .string(error.errorClass.rawValue), "desc": .string(error.description)])
        var members = id.map { [JSONMember("id", $0)] } ?? []
        members.append(JSONMember("error", detail))
        return JSONValue.object(members).text + endOfLine
    }

    /// - Parameters:
    ///   - seconds: since 1970.
    ///   - microseconds: of that second.
    public static func event(_ event: QMPEvent, seconds: Int64, microseconds: Int64) -> String {
        var members = [
            JSONMember("timestamp", .object(["seconds": .integer(seconds), "microseconds": .integer(microseconds)])),
            JSONMember("event", .string(event.name)),
        ]
        if let data = event.data { members.append(JSONMember("data", data)) }
        return JSONValue.object(members).text + endOfLine
    }
}
