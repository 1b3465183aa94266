import CLinux

/// Signals that arrive as data on a descriptor, instead of interrupting some thread.
public struct SignalDescriptor: ~Copyable, Sendable {
    private let descriptor: OwnedDescriptor

    /// Blocks the signals in the calling thread and every thread it starts later, so call it before the first one.
    public init(_ signals: [CInt]) throws(SystemCallError) {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        for signal in signals { unsafe sigaddset(&set, signal) }
        unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
        let flags = CInt(SFD_CLOEXEC | SFD_NONBLOCK)
        descriptor = OwnedDescriptor(taking: try systemCall("signalfd") { unsafe signalfd(-1, &set, flags) })
    }

    /// The signals that ask a process to end: SIGTERM, SIGINT and SIGHUP.
    public static func forEnding() throws(SystemCallError) -> SignalDescriptor {
        try SignalDescriptor([SIGTERM, SIGINT, SIGHUP])
    }

    /// To wait for, readable when a signal has come.
    public var rawDescriptor: CInt { descriptor.rawValue }

    /// The same, to wait for.
    public var interest: Poll.Interest { Poll.Interest(rawDescriptor) }

    /// The next signal that has come; nil if none has.
    public func next() -> CInt? {
        var information = signalfd_siginfo()
        let size = MemoryLayout<signalfd_siginfo>.size
        let number = descriptor.rawValue
        guard unsafe read(number, &information, size) == size else { return nil }
        return CInt(information.ssi_signo)
    }

    /// Lets writes to a closed socket or pipe fail with EPIPE instead of ending the process.
    public static func ignoreBrokenPipes() {
        var ignore = sigaction()
        unsafe ignore.__sigaction_handler.sa_handler = nt_ignore_signal()
        unsafe sigaction(SIGPIPE, &ignore, nil)
    }
}
