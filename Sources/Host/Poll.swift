import CLinux
import SystemPackage

/// Waiting for several descriptors at once.
public enum Poll {
    /// What to wait for on one descriptor.
    public struct Interest: Sendable {
        public let descriptor: CInt
        public let isForOutput: Bool

        public init(_ descriptor: CInt, forOutput: Bool = false) {
            self.descriptor = descriptor
            isForOutput = forOutput
        }
    }

    /// Blocks until at least one descriptor is ready, was closed by its other side, or is in error.
    ///
    /// - Parameter timeout: in milliseconds; nil waits without end. A signal ends a wait that has a timeout, so that a
    ///   thread which is kicked again and again looks up.
    /// - Returns: for each interest, in order, whether it is ready.
    public static func wait(_ interests: [Interest], timeout: Int32? = nil) throws(SystemCallError) -> [Bool] {
        var entries = interests.map {
            pollfd(fd: $0.descriptor, events: CShort($0.isForOutput ? POLLOUT : POLLIN), revents: 0)
        }
        try systemCall("poll") {
            let result = unsafe entries.withUnsafeMutableBufferPointer {
                unsafe poll($0.baseAddress, nfds_t($0.count), timeout ?? -1)
            }
            return result < 0 && timeout != nil && Errno.current == .interrupted ? 0 : result
        }
        return entries.map { $0.revents != 0 }
    }
}
