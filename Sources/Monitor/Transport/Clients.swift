import NIOCore
import NIOPosix
import Synchronization

/// Makes a session for each client that connects, and knows who is connected.
final class Clients: Sendable {
    typealias SessionMaker = @Sendable (_ output: @escaping @Sendable ([UInt8]) -> Void) -> any MonitorSession

    let group: MultiThreadedEventLoopGroup
    private let makeSession: SessionMaker
    private let connected: Connections

    init(_ group: MultiThreadedEventLoopGroup, _ connected: Connections, makeSession: @escaping SessionMaker) {
        self.group = group
        self.connected = connected
        self.makeSession = makeSession
    }

    /// Sets a new connection up.
    func adopt(_ channel: any Channel) -> EventLoopFuture<Void> {
        let outbox = Outbox(channel)
        connected.add(outbox, channel)
        let session = makeSession { [weak outbox] in outbox?.append($0) }
        return channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(ClientHandler(session, outbox))
        }
    }
}

/// Everybody who is connected, to whatever socket.
final class Connections: Sendable {
    private let outboxes = Mutex<[ObjectIdentifier: (Outbox, any Channel)]>([:])

    func add(_ outbox: Outbox, _ channel: any Channel) {
        let key = ObjectIdentifier(outbox)
        outboxes.withLock { $0[key] = (outbox, channel) }
        channel.closeFuture.whenComplete { _ in self.outboxes.withLock { _ = $0.removeValue(forKey: key) } }
    }

    /// Sends everybody what waits for them, and waits until they are disconnected.
    func finish() {
        let all = outboxes.withLock { Array($0.values) }
        for (outbox, _) in all { outbox.finish() }
        for (_, channel) in all { try? channel.closeFuture.wait() }
    }
}
