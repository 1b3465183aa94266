public enum SocketRole: Equatable, Sendable {
    /// `server=on`; `waits` (`wait`): the guest starts once a client has connected.
    case server(waits: Bool)
    case client
}

/// `PATH[,server=on|off][,wait=on|off]`, what follows `unix:`.
func parseUnixSocket(_ text: String) throws(DialectError) -> (path: String, role: SocketRole) {
    var reader = PropertyReader(try OptionString(text, impliedName: "path", flags: .silent))
    guard let path = reader.text("path"), !path.isEmpty else { throw .serialBackendWithoutPath("unix") }
    return (path, try takeRole(from: &reader))
}

/// `HOST:PORT[,server=on|off][,wait=on|off][,nodelay=on|off]`, what follows `tcp:`. An IPv6 address stands in
/// brackets; no host means every address of this one for a server, and this one for a client.
func parseTCPSocket(_ text: String) throws(DialectError) -> (host: String, port: UInt16, role: SocketRole) {
    var reader = PropertyReader(try OptionString(text, impliedName: "address", flags: .silent))
    let address = reader.text("address") ?? ""
    let bytes = Array(address.utf8)
    guard let colon = bytes.lastIndex(of: UInt8(ascii: ":")),
        let port = UInt16(String(decoding: bytes[(colon + 1)...], as: UTF8.self))
    else { throw .socketAddressMalformed(address) }
    var host = bytes[..<colon]
    if host.first == UInt8(ascii: "["), host.last == UInt8(ascii: "]") { host = host.dropFirst().dropLast() }
    _ = try reader.boolean("nodelay")
    return (String(decoding: host, as: UTF8.self), port, try takeRole(from: &reader))
}

private func takeRole(from reader: inout PropertyReader) throws(DialectError) -> SocketRole {
    let isServer = try reader.boolean("server") ?? false
    let waits = try reader.boolean("wait")
    try reader.finish(accepted: ["server", "wait"])
    guard isServer || waits == nil else { throw .waitWithoutServer }
    return isServer ? .server(waits: waits ?? true) : .client
}
