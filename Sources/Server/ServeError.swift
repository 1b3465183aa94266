public import Assembly
public import Host

/// Why a server cannot start.
public enum ServeError: Error, Sendable, CustomStringConvertible {
    case host(SystemCallError)
    /// An object or a device that cannot be made.
    case assembly(AssemblyError)
    case notShareable(String)
    /// With the path.
    case socket(String, SystemCallError)
    /// `-socket`, although the service manager gave sockets.
    case socketsTwice
    case socketCount(devices: Int, sockets: Int, areGiven: Bool)
    case pidFile(path: String, PIDFileError)

    public var description: String {
        switch self {
        case .host(let error): "\(error)"
        case .assembly(let error): "\(error)"
        case .notShareable(let id): "memory backend '\(id)' has no file that a client could map"
        case .socket(let path, let error):
            error.errno == .addressInUse
                ? "-socket \(path): another server listens there, or a file has this name. End the other server, or give another path"
                : "-socket \(path): \(error.errno)"
        case .socketsTwice: "-socket: the service manager gave sockets already (LISTEN_FDS). Leave one of the two out"
        case .socketCount(let devices, let sockets, let areGiven):
            "there are \(devices) devices and \(sockets) sockets: give each -device a "
                + (areGiven ? "ListenStream in the socket unit" : "-socket PATH, in the same order")
        case .pidFile(let path, let error): "-pidfile \(path): \(error)"
        }
    }
}
