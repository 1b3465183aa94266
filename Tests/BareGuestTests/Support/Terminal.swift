import CLinux
import Foundation

/// A terminal whose keyboard and screen are the test's.
final class Terminal {
    /// What a process opens.
    let path: String
    private let screen: Int32
    /// Kept open, so that what is on the screen outlives the process.
    private let line: Int32
    private(set) var text = ""

    init() throws {
        screen = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)
        guard screen >= 0, grantpt(screen) == 0, unlockpt(screen) == 0 else { throw POSIXError(.ENXIO) }
        var name = [CChar](repeating: 0, count: 128)
        guard unsafe ptsname_r(screen, &name, name.count) == 0 else { throw POSIXError(.ENXIO) }
        path = String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        line = unsafe open(path, O_RDWR | O_NOCTTY | O_CLOEXEC)
        guard line >= 0 else { throw POSIXError(.ENXIO) }
    }

    deinit {
        close(line)
        close(screen)
    }

    /// Its settings, as numbers to compare.
    var settings: [UInt32] {
        var attributes = termios()
        unsafe tcgetattr(line, &attributes)
        return [attributes.c_iflag, attributes.c_oflag, attributes.c_cflag, attributes.c_lflag]
            + (unsafe withUnsafeBytes(of: attributes.c_cc) { unsafe $0.map { UInt32($0) } })
    }

    /// Whether keys arrive one by one and unchanged.
    var isRaw: Bool { settings[3] & UInt32(ICANON | ECHO) == 0 }
    /// Whether Ctrl-C is a signal.
    var hasSignals: Bool { settings[3] & UInt32(ISIG) != 0 }

    func type(_ keys: String) {
        let bytes = Array(keys.utf8)
        _ = unsafe write(screen, bytes, bytes.count)
    }

    /// Waits until the screen has shown a text.
    func shows(_ wanted: String, seconds: Double = 20) -> Bool {
        eventually(seconds: seconds) {
            readScreen()
            return text.contains(wanted)
        }
    }

    func readScreen() {
        var entry = pollfd(fd: screen, events: Int16(POLLIN), revents: 0)
        while unsafe poll(&entry, 1, 0) == 1, entry.revents & Int16(POLLIN) != 0 {
            var bytes = [UInt8](repeating: 0, count: 4096)
            let count = unsafe read(screen, &bytes, bytes.count)
            guard count > 0 else { return }
            text += String(decoding: bytes.prefix(count), as: UTF8.self)
        }
    }
}
