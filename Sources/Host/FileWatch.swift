import CLinux

/// Notices that files are changed by calls such as `write` and `truncate`. Stores into a mapping do not count, so a
/// file that only a guest uses is silent. One for all files of a machine: a user may have few (`max_user_instances`).
public final class FileWatch: Sendable {
    private let descriptor: OwnedDescriptor

    public init() throws(SystemCallError) {
        let flags = CInt(IN_NONBLOCK | IN_CLOEXEC)
        descriptor = OwnedDescriptor(taking: try systemCall("inotify_init1") { inotify_init1(flags) })
    }

    /// Watches an open file, whatever its path is by now, until it is deleted or the watch ends.
    public func add(_ file: borrowing OwnedDescriptor) throws(SystemCallError) {
        let path = "/proc/self/fd/\(file.rawValue)"
        let number = descriptor.rawValue
        try systemCall("inotify_add_watch", path) { unsafe inotify_add_watch(number, path, UInt32(IN_MODIFY)) }
    }

    /// To wait for: readable when a file has changed.
    public var interest: Poll.Interest { Poll.Interest(descriptor.rawValue) }

    /// Takes all that has been noticed.
    ///
    /// - Returns: whether there was anything.
    public func takeChanges() -> Bool {
        var hasChanged = false
        while case .bytes = descriptor.readAvailable(capacity: 4096) { hasChanged = true }
        return hasChanged
    }
}
