import CLinux
public import SystemPackage

/// A system call that failed: which one, on what, and the kernel's reason.
public struct SystemCallError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The name of the call, such as `fdatasync`.
    public let call: String
    /// What it was called on: a path or another name that a person recognises; empty where there is none.
    public let subject: String
    /// The kernel's reason.
    public let errno: Errno

    public init(call: String, subject: String = "", errno: Errno) {
        self.call = call
        self.subject = subject
        self.errno = errno
    }

    public var description: String {
        subject.isEmpty ? "\(call): \(errno)" : "\(call) \(subject): \(errno)"
    }
}

extension SystemCallError {
    /// The reason as programs compare it: `EIO` and the like; the number where it is no usual one of a disk.
    public var errorName: String {
        switch errno {
        case .ioError: "EIO"
        case .noSpace: "ENOSPC"
        case Errno(rawValue: EDQUOT): "EDQUOT"
        case .readOnlyFileSystem: "EROFS"
        case .noMemory: "ENOMEM"
        case Errno(rawValue: ESTALE): "ESTALE"
        case Errno(rawValue: ENXIO): "ENXIO"
        case .timedOut: "ETIMEDOUT"
        default: "errno \(errno.rawValue)"
        }
    }
}

/// Runs a system call that returns -1 on failure; retried when a signal interrupts it.
///
/// - Returns: the call's result, never negative.
/// - Throws: the call's `errno`.
@discardableResult
package func systemCall<Result: SignedInteger>(
    _ name: String, _ subject: String = "", _ body: () -> Result
) throws(SystemCallError) -> Result {
    while true {
        let result = body()
        if result >= 0 { return result }
        let reason = Errno.current
        if reason == .interrupted { continue }
        throw SystemCallError(call: name, subject: subject, errno: reason)
    }
}

extension Errno {
    /// The calling thread's `errno`.
    package static var current: Errno { Errno(rawValue: unsafe __errno_location().pointee) }
}
