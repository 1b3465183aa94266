import CLinux
import SystemPackage

/// An eventfd: a counter that one side adds to and another waits on. Shared freely; closed when its last holder goes.
public final class EventFD: Sendable {
    private let descriptor: OwnedDescriptor

    /// - Parameter initialValue: the counter at the start; above 0 the first wait returns at once.
    public init(initialValue: UInt32 = 0) throws(SystemCallError) {
        descriptor = OwnedDescriptor(
            taking: try systemCall("eventfd") { eventfd(initialValue, CInt(EFD_CLOEXEC)) })
    }

    /// Takes an eventfd that another process made, such as one received over a socket. It becomes non-blocking, since
    /// its other holders may have filled the counter.
    public init(taking descriptor: consuming OwnedDescriptor) throws(SystemCallError) {
        let number = descriptor.rawValue
        try systemCall("fcntl") { nt_fcntl_value(number, F_SETFL, O_NONBLOCK) }
        self.descriptor = descriptor
    }

    /// The number to hand to the kernel; valid as long as this object lives.
    public var rawDescriptor: CInt { descriptor.rawValue }

    /// To wait for: readable while the counter is above 0.
    public var interest: Poll.Interest { Poll.Interest(rawDescriptor) }

    /// Adds 1. A counter that is full stands for "signalled" already, so a failure changes nothing.
    public func signal() {
        var one: UInt64 = 1
        let number = descriptor.rawValue
        _ = try? systemCall("write") { unsafe write(number, &one, 8) }
    }

    /// Blocks until the counter is above 0, then sets it to 0.
    ///
    /// - Returns: the counter as it was.
    @discardableResult
    public func wait() throws(SystemCallError) -> UInt64 {
        var value: UInt64 = 0
        let number = descriptor.rawValue
        while true {
            do throws(SystemCallError) {
                try systemCall("read") { unsafe read(number, &value, 8) }
                return value
            } catch {
                // One from `init(taking:)` is non-blocking.
                guard error.errno == .resourceTemporarilyUnavailable else { throw error }
                try waitUntilSignalled()
            }
        }
    }

    /// Blocks until the counter is above 0, and leaves it.
    public func waitUntilSignalled() throws(SystemCallError) {
        var entry = pollfd(fd: descriptor.rawValue, events: CShort(POLLIN), revents: 0)
        try systemCall("poll") { unsafe poll(&entry, 1, -1) }
    }

    /// Sets the counter to 0; does not block, even if another holder reads it at the same time.
    ///
    /// - Returns: whether it was above 0.
    @discardableResult
    public func clear() -> Bool {
        var value: UInt64 = 0
        let number = descriptor.rawValue
        let count = try? systemCall("preadv2") {
            unsafe withUnsafeMutableBytes(of: &value) { bytes in
                var vector = unsafe iovec(iov_base: bytes.baseAddress, iov_len: bytes.count)
                return unsafe preadv2(number, &vector, 1, -1, CInt(RWF_NOWAIT))
            }
        }
        return count == 8
    }

    /// Whether the counter is above 0.
    public var isSignalled: Bool {
        var entry = pollfd(fd: descriptor.rawValue, events: CShort(POLLIN), revents: 0)
        let ready = try? systemCall("poll") { unsafe poll(&entry, 1, 0) }
        return ready == 1 && entry.revents & CShort(POLLIN) != 0
    }
}
