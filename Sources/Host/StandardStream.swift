import CLinux
import SystemPackage

/// The process's standard output and error. Each write is one system call, so that lines of several threads do not mix.
public enum StandardStream: CInt, Sendable {
    case output = 1
    case error = 2

    /// Opens what the caller closed (`2>&-`) as `/dev/null`, so that no file which is opened later gets one of the
    /// three numbers and with it our messages. To be called before anything is opened.
    public static func openMissing() {
        for number in CInt(0)...2 where nt_fcntl_value(number, F_GETFD, 0) < 0 {
            // The lowest free number is this one. Without /dev, anything that takes no writes will do.
            if unsafe nt_open("/dev/null", O_RDWR, 0) < 0 { _ = unsafe nt_open("/", O_RDONLY | O_DIRECTORY, 0) }
        }
    }

    /// How long a message waits for a terminal or pipe that is not read, in milliseconds.
    private static let stalledLimit: Int32 = 100

    /// Writes a text. A message waits for a moment for a terminal or pipe that is not read, and is then dropped, since
    /// the thread that has it may be the one that a signal is to end.
    public func write(_ text: String) {
        let number = self == .error ? Self.errorDescriptor : rawValue
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe CLinux.write(number, $0.baseAddress, $0.count) }
            if count < 0, Errno.current == .interrupted { continue }
            if count < 0, Errno.current == .resourceTemporarilyUnavailable, Self.waitForSpace(number) { continue }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }

    /// Standard error; of a terminal or pipe a second open file of our own that does not block, since the flags of the
    /// first are those of the caller's shell as well.
    private static let errorDescriptor: CInt = {
        guard let kind = try? FileStatus(descriptor: STDERR_FILENO).kind, kind == .characterDevice || kind == .fifo
        else {
            return STDERR_FILENO
        }
        let flags = O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC
        let number = unsafe nt_open("/proc/self/fd/\(STDERR_FILENO)", flags, 0)
        return number >= 0 ? number : STDERR_FILENO
    }()

    private static func waitForSpace(_ number: CInt) -> Bool {
        var entry = pollfd(fd: number, events: CShort(POLLOUT), revents: 0)
        return unsafe poll(&entry, 1, stalledLimit) == 1
    }
}
