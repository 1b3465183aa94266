import Host

/// `-pidfile`: a file with the monitor's process id, removed when the monitor ends.
struct PIDFile: ~Copyable {
    private let path: String

    /// - Throws: `MachineError.pidFile`.
    init(path: String) throws(MachineError) {
        self.path = path
        do throws(SystemCallError) {
            let file = try OwnedDescriptor(opening: path, flags: OpenFlags.createEmpty, mode: 0o644)
            if case .failed(let reason) = file.writeOnce(Array("\(Process.identifier)\n".utf8)[...]) {
                throw SystemCallError(call: "write", subject: path, errno: reason)
            }
        } catch { throw .pidFile(path: path, error) }
    }

    deinit { Process.removeFile(path) }
}
