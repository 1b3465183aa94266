import Synchronization

/// The names that this process has made and removes at its end: of pid files and sockets.
///
/// An ordinary end removes each where its owner is given up. An end at once gives up no owner, and uses this list.
public enum OwnNames {
    private static let names = Mutex<[(path: String, file: FileStatus)]>([])

    /// Notes a name that this process has made, or has locked as its own.
    public static func add(_ path: String, of file: FileStatus) { names.withLock { $0.append((path, file)) } }

    /// Forgets a name that its owner removes.
    public static func forget(_ path: String) { names.withLock { $0.removeAll { $0.path == path } } }

    /// Removes those that still lead to the same file, on another thread, since a file system may not answer.
    ///
    /// - Parameter limit: how long to wait for that, in milliseconds.
    public static func removeAll(limit: Int32) {
        let all = names.withLock { $0 }
        guard !all.isEmpty, let done = try? EventFD() else { return }
        let thread = try? HostThread(name: "names") {
            for (path, file) in all where file.hasName(path) { try? unlinkFile(path) }
            done.signal()
        }
        guard thread != nil else { return }
        _ = try? Poll.wait([Poll.Interest(done.rawDescriptor)], timeout: limit)
    }
}
