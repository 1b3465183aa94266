import Host
import Synchronization

/// The host's end of the guest's serial port: where its bytes go and come from.
///
/// `send(_:)` of a byte is called by vCPU threads, of several by a monitor's thread, everything else by the control
/// plane.
final class SerialLine: Sendable {
    /// Something open that bytes go to and, mostly, come from.
    struct Channel: Sendable {
        /// nil: nothing comes in, or no more.
        var input: SharedDescriptor?
        let output: SharedDescriptor
    }

    /// A listening socket; it accepts the next client whenever the one before has gone.
    private let listener: ListeningSocket?
    private let waitsForClient: Bool
    private let channel: Mutex<Channel?>
    /// vCPUs are to stop, so they must not wait in `send`.
    private let isInterrupted = Atomic(false)
    private let isDropping = Atomic(false)

    init(_ channel: Channel?, listener: ListeningSocket? = nil, waitsForClient: Bool = false) {
        self.listener = listener
        self.waitsForClient = waitsForClient
        self.channel = Mutex(channel)
    }

    /// Sends a byte that the guest wrote. Waits while the other side has no space, as a slow terminal would. Without
    /// another side the byte is dropped.
    ///
    /// - Returns: false, and nothing was sent, when the wait was interrupted.
    func send(_ byte: UInt8) -> Bool { write([byte], until: isInterrupted) }

    /// Sends what a monitor shows. Waits likewise, until `setDropping`.
    func send(_ bytes: [UInt8]) {
        // Non-blocking pieces, each once the other side has space: no kick interrupts this thread.
        var rest = bytes[...]
        while !rest.isEmpty, !isDropping.load(ordering: .relaxed) {
            guard let output = channel.withLock({ $0?.output }) else { return }
            let interest = Poll.Interest(output.rawValue, forOutput: true)
            guard (try? Poll.wait([interest], timeout: 100)) == [true] else { continue }
            guard write(rest.prefix(Self.pieceByteCount), until: isDropping) else { return }
            rest = rest.dropFirst(Self.pieceByteCount)
        }
    }

    private static let pieceByteCount = 256

    private func write(_ bytes: ArraySlice<UInt8>, until isStopped: borrowing Atomic<Bool>) -> Bool {
        guard let output = channel.withLock({ $0?.output }) else { return true }
        var rest = bytes
        while !rest.isEmpty {
            if isStopped.load(ordering: .relaxed) { return false }
            switch output.with({ $0.writeOnce(rest) }) {
            case .written(0):
                _ = try? Poll.wait([Poll.Interest(output.rawValue, forOutput: true)], timeout: 100)
            case .written(let count): rest = rest.dropFirst(count)
            case .failed:
                disconnect(output)
                return true
            }
        }
        return true
    }

    /// Sends what goes out without waiting.
    func offer(_ bytes: ArraySlice<UInt8>) {
        guard let output = channel.withLock({ $0?.output }),
            (try? Poll.wait([Poll.Interest(output.rawValue, forOutput: true)], timeout: 0)) == [true]
        else { return }
        _ = output.with { $0.writeOnce(bytes) }
    }

    /// While set, a vCPU does not wait in `send`; one that waits already has to be kicked.
    func setInterrupted(_ isInterrupted: Bool) { self.isInterrupted.store(isInterrupted, ordering: .relaxed) }

    /// From now on what a monitor shows is dropped, so that its thread can end.
    func setDropping() { isDropping.store(true, ordering: .relaxed) }

    /// What to wait for: input, or a client; nil when neither can come.
    var interest: Poll.Interest? {
        let source = channel.withLock { channel in channel.map(\.input) ?? listener?.descriptor }
        return source.map { Poll.Interest($0.rawValue) }
    }

    /// Takes what has come: up to `capacity` bytes of input, or a client (then no bytes). Does not block.
    func receive(capacity: Int) -> [UInt8] {
        guard let current = channel.withLock({ $0 }) else {
            acceptClient()
            return []
        }
        switch current.input?.with({ $0.readAvailable(capacity: capacity) }) ?? .none {
        case .bytes(let bytes): return bytes
        case .none: return []
        case .end:
            // A terminal that is gone or a script that ends is no reason to end the guest.
            channel.withLock { $0?.input = nil }
            disconnect(current.output)
            return []
        }
    }

    /// Blocks until a client has connected, where that was asked for, or `other` is ready.
    func waitForClient(unless other: Poll.Interest) throws(SystemCallError) {
        while waitsForClient, let listener, channel.withLock({ $0 == nil }) {
            let ready = try Poll.wait([other, Poll.Interest(listener.descriptor.rawValue)])
            if ready[0] { return }
            acceptClient()
        }
    }

    /// Removes the socket's name.
    func close() { listener?.removeName() }

    private func acceptClient() {
        guard let listener else { return }
        guard let accepted = UnixSocket.accept(listener.descriptor) else { return }
        let client = SharedDescriptor(accepted)
        channel.withLock { $0 = Channel(input: client, output: client) }
    }

    /// A client that has gone makes place for the next one; other outputs stay.
    private func disconnect(_ output: SharedDescriptor) {
        guard listener != nil else { return }
        channel.withLock { if $0?.output === output { $0 = nil } }
    }
}
