public import Backend
public import Host
public import PCI
public import QEMUDialect

/// Why a server cannot start.
public enum ServeError: Error, Sendable, CustomStringConvertible {
    case host(SystemCallError)
    /// With the id of the memory-backend object.
    case backend(String, MemoryBackendError)
    /// With the name of the device.
    case device(String, ConfigurationError)
    case notShareable(String)
    /// What can be seen from the text of an option.
    case dialect(DialectError)
    /// With the path.
    case socket(String, SystemCallError)
    /// `-socket`, although the service manager gave sockets.
    case socketsTwice
    case socketCount(devices: Int, sockets: Int, areGiven: Bool)
    case pidFile(path: String, SystemCallError)

    public var description: String {
        switch self {
        case .host(let error): "\(error)"
        case .backend(_, let error): "\(error)"
        case .device(let device, let error): "-device \(device): \(error)"
        case .notShareable(let id): "memory backend '\(id)' has no file that a client could map"
        case .dialect(let error): error.message
        case .socket(let path, let error):
            error.errno == .addressInUse
                ? "-socket \(path): another server listens there, or a file has this name. End the other server, or give another path"
                : "-socket \(path): \(error.errno)"
        case .socketsTwice: "-socket: the service manager gave sockets already (LISTEN_FDS). Leave one of the two out"
        case .socketCount(let devices, let sockets, let areGiven):
            "there are \(devices) devices and \(sockets) sockets: give each -device a "
                + (areGiven ? "ListenStream in the socket unit" : "-socket PATH, in the same order")
        case .pidFile(let path, let error): "could not write the pid file '\(path)': \(error.errno)"
        }
    }
}
