/// `-serial`: where the guest's serial port goes.
public enum SerialTarget: Equatable, Sendable {
    case standardInputOutput
    /// What the guest writes goes to the file, which is emptied first.
    case file(path: String)
    case unixSocket(path: String, SocketRole)
    /// The port is there; what is written to it goes nowhere.
    case null
}

extension SerialTarget: CustomStringConvertible {
    /// As it is written after `-serial`.
    public var description: String {
        switch self {
        case .standardInputOutput: "stdio"
        case .file(let path): "file:\(path)"
        case .unixSocket(let path, .client): "unix:\(path)"
        case .unixSocket(let path, .server(let waits)): "unix:\(path),server=on\(waits ? "" : ",wait=off")"
        case .null: "null"
        }
    }
}

/// - Returns: nil for `none`: no serial port.
func parseSerial(_ text: String) throws(DialectError) -> SerialTarget? {
    switch text {
    case "stdio": return .standardInputOutput
    // The monitor that would share the terminal is its own option's business; the serial port is the same.
    case "mon:stdio": return .standardInputOutput
    case "null": return .null
    case "none": return nil
    default: break
    }
    let parts = text.utf8.split(separator: UInt8(ascii: ":"), maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2 else { throw .unknownSerialBackend(text) }
    let rest = String(Substring(parts[1]))
    switch String(Substring(parts[0])) {
    case "file":
        guard !rest.isEmpty else { throw .serialBackendWithoutPath("file") }
        return .file(path: rest)
    case "unix":
        let socket = try parseUnixSocket(rest)
        return .unixSocket(path: socket.path, socket.role)
    default:
        throw .unknownSerialBackend(text)
    }
}
