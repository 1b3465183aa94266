import CLinux

/// A terminal in raw mode: every key goes to the guest as it is typed. Given back when this object goes, and when a
/// fatal signal ends the process.
public final class RawTerminal: Sendable {
    private let descriptor: CInt

    /// Whether standard input is a terminal, at which a person may sit.
    public static var isStandardInput: Bool { isatty(STDIN_FILENO) == 1 }

    /// - Parameter keepsSignals: Ctrl-C and Ctrl-\ still send their signals; otherwise the guest gets them.
    /// - Returns: nil if the descriptor is no terminal.
    public init?(_ descriptor: CInt, keepsSignals: Bool) {
        guard isatty(descriptor) == 1 else { return nil }
        var attributes = termios()
        guard unsafe tcgetattr(descriptor, &attributes) == 0 else { return nil }
        self.descriptor = descriptor
        SavedTerminal.remember(descriptor, attributes)

        unsafe cfmakeraw(&attributes)
        // "\n" of our own messages still starts a new line.
        attributes.c_oflag |= tcflag_t(OPOST | ONLCR)
        if keepsSignals {
            attributes.c_lflag |= tcflag_t(ISIG)
            // Ctrl-Z would stop the process with the terminal left raw.
            unsafe withUnsafeMutableBytes(of: &attributes.c_cc) { unsafe $0[Int(VSUSP)] = 0 }
        }
        unsafe tcsetattr(descriptor, TCSANOW, &attributes)
    }

    /// Gives the terminal back; later calls do nothing.
    public func restore() { SavedTerminal.restore() }

    /// The same for whichever terminal is in raw mode, if one is.
    public static func giveBack() { SavedTerminal.restore() }

    deinit { restore() }
}

/// The one terminal to give back. A signal handler reads it, so it is plain memory that is set before the handlers are.
@safe
private enum SavedTerminal {
    nonisolated(unsafe) static var saved: UnsafeMutablePointer<(descriptor: CInt, attributes: termios)>? = nil
    static let fatalSignals = [SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGABRT, SIGFPE, SIGQUIT]

    static func remember(_ descriptor: CInt, _ attributes: termios) {
        guard unsafe saved == nil else { return }
        let place = UnsafeMutablePointer<(descriptor: CInt, attributes: termios)>.allocate(capacity: 1)
        unsafe place.initialize(to: (descriptor, attributes))
        unsafe saved = place
        for number in fatalSignals { installHandler(number) }
        HostMapping.guardAccesses()
    }

    private static func installHandler(_ number: CInt) {
        var action = sigaction()
        unsafe action.__sigaction_handler.sa_handler = { number in
            SavedTerminal.restore()
            // SA_RESETHAND has brought the default action back, so the process ends as if there were no handler.
            raise(number)
        }
        // SA_RESETHAND is the sign bit.
        action.sa_flags = CInt(truncatingIfNeeded: SA_RESETHAND) | CInt(truncatingIfNeeded: SA_NODEFER)
        unsafe sigaction(number, &action, nil)
    }

    static func restore() {
        guard let place = unsafe saved else { return }
        unsafe tcsetattr(place.pointee.descriptor, TCSANOW, &place.pointee.attributes)
    }
}
