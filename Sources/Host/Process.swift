import CLinux

/// This process.
public enum Process {
    public static var identifier: CInt { getpid() }

    /// Removes a file that this process made; one that is gone already is no error.
    public static func removeFile(_ path: String) { unsafe unlink(path) }
}
