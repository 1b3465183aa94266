import CLinux

/// This process.
public enum Process {
    /// Ends the process without anything that an ordinary end does, such as waiting for threads.
    public static func endAtOnce(status: CInt) -> Never { _exit(status) }

    public static var identifier: CInt { getpid() }
}
