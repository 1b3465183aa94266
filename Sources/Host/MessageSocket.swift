import CLinux
import SystemPackage

// Stream sockets over which descriptors travel with the bytes (unix(7), SCM_RIGHTS).

/// What a socket brought in one piece.
public struct Parcel: Sendable {
    public let bytes: [UInt8]
    /// What came with them; closed when the last holder lets go.
    public let descriptors: [SharedDescriptor]
    /// Whether there were more descriptors than this process takes, or has room for; those are closed.
    public let lostDescriptors: Bool
}

/// What a receiving call brought.
public enum Reception: Sendable {
    case parcel(Parcel)
    /// Nothing yet.
    case none
    /// There will be no more.
    case end
}

extension OwnedDescriptor {
    /// The most descriptors that travel in one piece.
    public static var mostDescriptors: Int { Int(NT_MOST_DESCRIPTORS) }

    /// Takes what is there, up to `capacity` bytes, without waiting.
    public borrowing func receive(capacity: Int) -> Reception {
        var bytes = [UInt8](repeating: 0, count: max(capacity, 0))
        var numbers = [CInt](repeating: -1, count: Self.mostDescriptors)
        var (count, flags): (Int, CInt) = (0, 0)
        let socket = rawValue
        let received = unsafe bytes.withUnsafeMutableBytes { buffer in
            unsafe nt_receive(socket, buffer.baseAddress, buffer.count, &numbers, &count, &flags)
        }
        if received < 0 {
            let isTemporary = [.interrupted, .wouldBlock, .resourceTemporarilyUnavailable].contains(Errno.current)
            return isTemporary ? .none : .end
        }
        let descriptors = numbers.prefix(count).map { SharedDescriptor(OwnedDescriptor(takingForeign: $0)) }
        guard received > 0 else { return .end }
        let hasLost = flags & CInt(MSG_CTRUNC) != 0
        bytes.removeLast(bytes.count - received)
        return .parcel(Parcel(bytes: bytes, descriptors: descriptors, lostDescriptors: hasLost))
    }

    /// Sends once, without waiting; the descriptors go with the first byte.
    ///
    /// - Parameter descriptors: at most `mostDescriptors`; they stay open here.
    public borrowing func send(_ bytes: ArraySlice<UInt8>, descriptors: [CInt] = []) -> Output {
        let socket = rawValue
        let count = unsafe bytes.withUnsafeBytes { buffer in
            unsafe nt_send(socket, buffer.baseAddress, buffer.count, descriptors, descriptors.count)
        }
        if count >= 0 { return .written(count) }
        let reason = Errno.current
        let isTemporary = [.interrupted, .wouldBlock, .resourceTemporarilyUnavailable].contains(reason)
        return isTemporary ? .written(0) : .failed(reason)
    }
}

/// Whether a descriptor is a file in memory.
public enum MemoryFileKind: Equatable, Sendable {
    /// It is none, and may be anything.
    case none
    /// Its size may change at any time.
    case changeable
    /// It is sealed: no process can make it shorter.
    case sealedAgainstShrinking
}

extension OwnedDescriptor {
    /// Whether this is an eventfd. A received descriptor may be of any kind, and a write to it have any effect.
    public var isEventFD: Bool {
        var target = [CChar](repeating: 0, count: 64)
        let count = unsafe readlink("/proc/self/fd/\(rawValue)", &target, target.count)
        guard count > 0 else { return false }
        let text = String(decoding: target.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return text == "anon_inode:[eventfd]"
    }

    /// What kind of memory this file is, asked without any other access: on a file of a user-space or network file
    /// system every access may wait for good (only memfd, tmpfs and hugetlbfs files have seals, fcntl(2)).
    public var memoryFileKind: MemoryFileKind {
        let seals = nt_fcntl_value(rawValue, CInt(F_GET_SEALS), 0)
        if seals < 0 { return .none }
        return seals & CInt(F_SEAL_SHRINK) != 0 ? .sealedAgainstShrinking : .changeable
    }
}
