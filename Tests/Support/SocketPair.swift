import Glibc
public import Host

/// Two connected sockets.
public struct SocketPair: ~Copyable, Sendable {
    public let first: OwnedDescriptor
    public let second: OwnedDescriptor
}

extension UnixSocket {
    /// Two sockets that are connected to each other, both non-blocking.
    public static func makePair() throws -> SocketPair {
        var numbers: [CInt] = [-1, -1]
        let kind = CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        guard unsafe socketpair(AF_UNIX, kind, 0, &numbers) == 0 else { throw NoSocketPair() }
        return SocketPair(first: OwnedDescriptor(taking: numbers[0]), second: OwnedDescriptor(taking: numbers[1]))
    }
}

private struct NoSocketPair: Error {}
