import Host
import NIOCore
import NIOPosix

/// Serves the clients of one server socket, one at a time: the next waits in the kernel's queue until the one before
/// has gone, and until what it sent has been carried out.
struct Listener: Sendable {
    let channel: any Channel
    /// Completes when the first client is there.
    let firstClient: EventLoopFuture<Void>
    /// Of a Unix socket, with its name.
    let socket: ListeningSocket?

    /// - Parameter path: of a socket of mode 0600; one that a dead process left is replaced.
    static func unix(path: String, _ clients: Clients) throws -> Listener {
        let socket = try ListeningSocket(on: path)
        let number = try socket.descriptor.duplicate().release()
        return try listen(clients, socket) { try $0.withBoundSocket(number).wait() }
    }

    /// - Parameter host: empty for every address.
    static func tcp(host: String, port: UInt16, _ clients: Clients) throws -> Listener {
        try listen(clients, nil) { bootstrap in
            try bootstrap.serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .bind(host: host.isEmpty ? "0.0.0.0" : host, port: Int(port)).wait()
        }
    }

    private static func listen(
        _ clients: Clients, _ socket: ListeningSocket?, _ bind: (ServerBootstrap) throws -> any Channel
    ) throws -> Listener {
        let firstClient = clients.group.next().makePromise(of: Void.self)
        let bootstrap = ServerBootstrap(group: clients.group)
            .serverChannelOption(.backlog, value: 1)
            .serverChannelOption(.autoRead, value: false)
            .serverChannelOption(.maxMessagesPerRead, value: 1)
            .childChannelInitializer { client in
                firstClient.succeed()
                return clients.adopt(client) { client.parent?.read() }
            }
        do {
            let channel = try bind(bootstrap)
            channel.closeFuture.whenComplete { _ in firstClient.fail(ChannelError.ioOnClosedChannel) }
            channel.read()
            return Listener(channel: channel, firstClient: firstClient.futureResult, socket: socket)
        } catch {
            firstClient.fail(error)
            throw error
        }
    }
}

extension Listener {
    /// Takes no more clients.
    func close() {
        try? channel.close().wait()
        socket?.removeName()
    }
}
