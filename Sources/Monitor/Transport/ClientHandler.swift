import NIOCore

/// Ties a connection to the thread of its session.
final class ClientHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let session: any MonitorSession
    private let thread: SessionThread
    /// Lives as long as the connection.
    private let outbox: Outbox
    private let ended: @Sendable () -> Void
    private var isStarted = false

    /// - Parameter ended: told when the session is over; also for a connection that never had one.
    init(
        _ session: any MonitorSession, _ thread: SessionThread, _ outbox: Outbox, ended: @escaping @Sendable () -> Void
    ) {
        self.session = session
        self.thread = thread
        self.outbox = outbox
        self.ended = ended
    }

    func channelActive(context: ChannelHandlerContext) {
        let channel = context.channel
        let owner = SessionThread.Owner(
            hasRoom: { channel.eventLoop.execute { Self.read(from: channel) } },
            // What the session has said comes before the end: a client may have closed its half only.
            ended: { [outbox, ended] in
                outbox.finish(within: .seconds(10))
                ended()
            })
        isStarted = (try? thread.start(session, owner)) != nil
        if !isStarted { context.close(promise: nil) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let hasRoom = thread.receive(Array(unwrapInboundIn(data).readableBytesView))
        if !hasRoom { context.channel.setOption(.autoRead, value: false).whenFailure { _ in } }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event as? ChannelEvent == .inputClosed { thread.endInput() }
        context.fireUserInboundEventTriggered(event)
    }

    /// Stops reading from a client that does not read its answers.
    func channelWritabilityChanged(context: ChannelHandlerContext) { Self.read(from: context.channel) }

    private static func read(from channel: any Channel) {
        channel.setOption(.autoRead, value: channel.isWritable).whenFailure { _ in }
    }

    func channelInactive(context: ChannelHandlerContext) {
        thread.endInput()
        if !isStarted { ended() }
    }

    /// A connection that broke is closed; nothing else depends on it.
    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
