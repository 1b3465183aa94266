import CLinux

/// This process.
public enum Process {
    /// Ends the process without anything that an ordinary end does, such as waiting for threads.
    public static func endAtOnce(status: CInt) -> Never { _exit(status) }

    public static var identifier: CInt { getpid() }

    /// Has the kernel make room for descriptors up to a number, as far as the limit of open files allows.
    ///
    /// For a process with several threads the table doubles only after a grace period of the kernel's RCU, some 10 ms
    /// each time. Called before the first thread is started, this costs microseconds.
    public static func makeRoomForDescriptors(upTo number: CInt) {
        let highest = nt_fcntl_value(0, F_DUPFD_CLOEXEC, number)
        if highest >= 0 { close(highest) }
    }
}
