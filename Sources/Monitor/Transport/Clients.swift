import NIOCore
import NIOPosix
import Synchronization

/// Makes a session for each client that connects, and records the connections.
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
    ///
    /// - Parameter ended: told when its session is over.
    func adopt(_ channel: any Channel, ended: @escaping @Sendable () -> Void = {}) -> EventLoopFuture<Void> {
        channel.eventLoop.makeCompletedFuture {
            // A client that sends no more may still read (`nc -N`).
            try channel.syncOptions?.setOption(.allowRemoteHalfClosure, value: true)
            let outbox = Outbox(channel)
            let session = makeSession { [weak outbox] in outbox?.append($0) }
            let thread = try SessionThread()
            let number = connected.add(outbox, channel, thread)
            try channel.pipeline.syncOperations.addHandler(
                ClientHandler(session, thread, outbox) { [connected] in
                    connected.remove(number)
                    ended()
                })
        }
    }
}

/// All clients that are connected, to whatever socket, and sessions that are not over yet.
final class Connections: Sendable {
    private struct Connection {
        let outbox: Outbox
        let channel: any Channel
        let thread: SessionThread
    }

    private struct State {
        var connections: [Int: Connection] = [:]
        var nextNumber = 0
    }

    private let state = Mutex(State())

    /// - Returns: what to remove it by.
    func add(_ outbox: Outbox, _ channel: any Channel, _ thread: SessionThread) -> Int {
        state.withLock { state in
            defer { state.nextNumber += 1 }
            state.connections[state.nextNumber] = Connection(outbox: outbox, channel: channel, thread: thread)
            return state.nextNumber
        }
    }

    func remove(_ number: Int) { state.withLock { _ = $0.connections.removeValue(forKey: number) } }

    /// Lets commands end, sends every client what waits for it, and waits until all are disconnected.
    func finish() {
        let all = state.withLock { Array($0.connections.values) }
        for connection in all { connection.thread.finish() }
        for connection in all { connection.outbox.finish() }
        for connection in all { try? connection.channel.closeFuture.wait() }
    }
}
