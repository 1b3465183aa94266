import CLinux
import SystemPackage

/// The process's standard output and error. Each write is one system call, so that lines of several threads do not mix.
public enum StandardStream: CInt, Sendable {
    case output = 1
    case error = 2

    /// Opens what the caller closed (`2>&-`) as `/dev/null`, so that no file which is opened later gets one of the three
    /// numbers and with it our messages. To be called before anything is opened.
    public static func openMissing() {
        for number in CInt(0)...2 where nt_fcntl_value(number, F_GETFD, 0) < 0 {
            // The lowest free number is this one. Without /dev, anything that takes no writes will do.
            if unsafe nt_open("/dev/null", O_RDWR, 0) < 0 { _ = unsafe nt_open("/", O_RDONLY | O_DIRECTORY, 0) }
        }
    }

    /// Writes a text; what nobody reads is dropped.
    public func write(_ text: String) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe CLinux.write(rawValue, $0.baseAddress, $0.count) }
            if count < 0, Errno.current == .interrupted { continue }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }
}
