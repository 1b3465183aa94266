import NIOCore

/// Ties a connection to a session.
final class ClientHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let session: any MonitorSession
    /// Lives as long as the connection.
    private let outbox: Outbox

    init(_ session: any MonitorSession, _ outbox: Outbox) {
        self.session = session
        self.outbox = outbox
    }

    func channelActive(context: ChannelHandlerContext) { session.open() }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        session.receive(Array(unwrapInboundIn(data).readableBytesView))
    }

    /// Who does not read the answers is not listened to.
    func channelWritabilityChanged(context: ChannelHandlerContext) {
        context.channel.setOption(.autoRead, value: context.channel.isWritable).whenFailure { _ in }
    }

    func channelInactive(context: ChannelHandlerContext) { session.close() }

    /// A connection that broke is closed; nothing else depends on it.
    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
