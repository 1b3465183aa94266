import Host
import QEMUDialect

extension SerialLine {
    /// Opens what `-serial` names.
    ///
    /// - Throws: what the kernel says of the file or socket.
    static func open(_ target: SerialTarget) throws(SystemCallError) -> SerialLine {
        switch target {
        case .standardInputOutput:
            return SerialLine(
                Channel(
                    input: SharedDescriptor(try OwnedDescriptor.standard(0)),
                    output: SharedDescriptor(try OwnedDescriptor.standard(1))))
        case .file(let path):
            let output = try OwnedDescriptor(rewriting: path)
            return SerialLine(Channel(input: nil, output: SharedDescriptor(output)))
        case .unixSocket(let path, .client):
            let socket = SharedDescriptor(try UnixSocket.connect(to: path))
            return SerialLine(Channel(input: socket, output: socket))
        case .unixSocket(let path, .server(let waits)):
            return SerialLine(nil, listener: try ListeningSocket(on: path), waitsForClient: waits)
        case .null:
            return SerialLine(nil)
        }
    }
}
