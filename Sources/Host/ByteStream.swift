import CLinux
import SystemPackage

extension OwnedDescriptor {
    /// Takes over one of the process's standard descriptors: a duplicate, so that closing it leaves the original.
    public static func standard(_ number: CInt) throws(SystemCallError) -> OwnedDescriptor {
        OwnedDescriptor(taking: try systemCall("dup") { nt_fcntl_value(number, F_DUPFD_CLOEXEC, 3) })
    }

    /// What a read brought.
    public enum Input: Sendable, Equatable {
        case bytes([UInt8])
        /// Nothing yet.
        case none
        /// There will be no more.
        case end
    }

    /// Reads what is there, up to `capacity` bytes. Does not block when `Poll` said that there is something.
    public borrowing func readAvailable(capacity: Int) -> Input {
        var bytes = [UInt8](repeating: 0, count: capacity)
        let number = rawValue
        let count = unsafe bytes.withUnsafeMutableBytes { unsafe read(number, $0.baseAddress, $0.count) }
        if count > 0 { return .bytes(Array(bytes[..<count])) }
        if count < 0, [.interrupted, .wouldBlock, .resourceTemporarilyUnavailable].contains(Errno.current) {
            return .none
        }
        return .end
    }

    /// What a write did.
    public enum Output: Sendable, Equatable {
        /// This many bytes went out; fewer than given where the other side has no space.
        case written(Int)
        /// The reader is gone, or the disk is full.
        case failed(Errno)
    }

    /// Writes once; a signal counts as nothing written.
    public borrowing func writeOnce(_ bytes: ArraySlice<UInt8>) -> Output {
        let number = rawValue
        let count = unsafe bytes.withUnsafeBytes { unsafe write(number, $0.baseAddress, $0.count) }
        if count >= 0 { return .written(count) }
        let reason = Errno.current
        let isTemporary = [.interrupted, .wouldBlock, .resourceTemporarilyUnavailable].contains(reason)
        return isTemporary ? .written(0) : .failed(reason)
    }
}
