import NIOCore
import Synchronization

/// What waits to be sent to a client. Any thread appends; the event loop sends, in order. A client that reads too
/// slowly to keep it below its limit is disconnected.
final class Outbox: Sendable {
    /// In bytes: a few thousand of the longest answers.
    static let maximumByteCount = 16 << 20

    private struct State {
        var pending: [UInt8] = []
        /// Handed to the channel, not yet to the kernel.
        var inFlight = 0
        var isScheduled = false
        var isOverflown = false
    }

    private enum Step {
        case nothing, flush, disconnect
    }

    private let channel: any Channel
    private let state = Mutex(State())

    init(_ channel: any Channel) { self.channel = channel }

    func append(_ bytes: [UInt8]) {
        let step: Step = state.withLock { state in
            guard !state.isOverflown else { return .nothing }
            guard state.pending.count + state.inFlight + bytes.count <= Self.maximumByteCount else {
                state.isOverflown = true
                state.pending = []
                return .disconnect
            }
            state.pending += bytes
            guard !state.isScheduled else { return .nothing }
            state.isScheduled = true
            return .flush
        }
        switch step {
        case .nothing: break
        case .flush: channel.eventLoop.execute { self.flush() }
        case .disconnect: channel.close(promise: nil)
        }
    }

    /// Sends what is left and closes the connection; a client that takes longer to read it loses the rest.
    func finish(within time: TimeAmount = .milliseconds(500)) {
        channel.eventLoop.execute {
            self.flush()
            self.channel.writeAndFlush(ByteBuffer()).whenComplete { _ in self.channel.close(promise: nil) }
            self.channel.eventLoop.scheduleTask(in: time) { self.channel.close(promise: nil) }
        }
    }

    private func flush() {
        let bytes = state.withLock { state in
            defer {
                state.inFlight += state.pending.count
                state.pending = []
                state.isScheduled = false
            }
            return state.pending
        }
        guard !bytes.isEmpty else { return }
        channel.writeAndFlush(ByteBuffer(bytes: bytes)).whenComplete { _ in
            self.state.withLock { $0.inFlight -= bytes.count }
        }
    }
}
