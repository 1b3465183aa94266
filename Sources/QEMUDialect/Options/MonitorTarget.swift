/// `-monitor` and `-qmp`: where a monitor listens or talks.
public enum MonitorTarget: Equatable, Sendable {
    case standardInputOutput
    case unixSocket(path: String, SocketRole)
    /// An empty host is every address of this one for a server, and this one for a client.
    case tcpSocket(host: String, port: UInt16, SocketRole)
}

/// - Returns: nil for `none` and `null`: no monitor.
func parseMonitor(_ text: String) throws(DialectError) -> MonitorTarget? {
    switch text {
    case "stdio": return .standardInputOutput
    case "none", "null": return nil
    default: break
    }
    let parts = text.utf8.split(separator: UInt8(ascii: ":"), maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2 else { throw .unknownMonitorBackend(text) }
    let rest = String(Substring(parts[1]))
    switch String(Substring(parts[0])) {
    case "unix":
        let socket = try parseUnixSocket(rest)
        return .unixSocket(path: socket.path, socket.role)
    case "tcp":
        let socket = try parseTCPSocket(rest)
        return .tcpSocket(host: socket.host, port: socket.port, socket.role)
    default:
        throw .unknownMonitorBackend(text)
    }
}
