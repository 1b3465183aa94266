import CLinux
import Synchronization

/// Closes what may take long to close, on a thread that is there only while there is something to close.
///
/// Closing a file of a user-space file system waits for its daemon, in a way that not even SIGKILL ends (fuse's FLUSH
/// request).
enum DescriptorCloser {
    private struct State {
        var numbers: [CInt] = []
        var isRunning = false
    }

    private static let state = Mutex(State())

    /// Whether it is a memory file, a socket, or one of the kernel's own, such as an eventfd. Asks nothing that may
    /// wait itself.
    static func closesAtOnce(_ number: CInt) -> Bool {
        if nt_fcntl_value(number, CInt(F_GET_SEALS), 0) >= 0 { return true }
        var target = [CChar](repeating: 0, count: 64)
        let count = unsafe readlink("/proc/self/fd/\(number)", &target, target.count)
        guard count > 0 else { return false }
        let text = String(decoding: target.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return text.hasPrefix("anon_inode:")
    }

    static func close(_ number: CInt) {
        let starts = state.withLock { state in
            state.numbers.append(number)
            defer { state.isRunning = true }
            return !state.isRunning
        }
        guard starts else { return }
        // Without a thread left it is tried again with the next one.
        if (try? HostThread(name: "close", body: closeAll)) == nil { state.withLock { $0.isRunning = false } }
    }

    private static func closeAll() {
        while let number = next() { _ = CLinux.close(number) }
    }

    private static func next() -> CInt? {
        state.withLock { state in
            guard let number = state.numbers.popLast() else {
                state.isRunning = false
                return nil
            }
            return number
        }
    }
}
