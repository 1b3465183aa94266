public import Host

/// `-pidfile`: a file with the process's id, removed when the process ends.
public struct PIDFile: ~Copyable {
    private let path: String

    public init(path: String) throws(SystemCallError) {
        self.path = path
        let file = try OwnedDescriptor(opening: path, flags: OpenFlags.createEmpty, mode: 0o644)
        if case .failed(let reason) = file.writeOnce(Array("\(Process.identifier)\n".utf8)[...]) {
            throw SystemCallError(call: "write", subject: path, errno: reason)
        }
    }

    deinit { Process.removeFile(path) }
}
