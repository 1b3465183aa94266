public import Host

/// How a client's session came to its end.
public enum SessionEnd: Error, Equatable, Sendable {
    /// The client closed its socket.
    case clientLeft
    /// The server is to end.
    case stopped
    /// The client did something that no client does; a sentence.
    case misbehaved(String)
    /// The kernel's reason.
    case failed(SystemCallError)
}

/// A client's socket, and the thread that serves it: one message after the other, each carried out before the next is
/// read.
public struct ClientConnection: ~Copyable {
    private let socket: OwnedDescriptor
    private let session: Session
    private let relays: [DoorbellRelay]
    private let stop: EventFD
    /// How long a client may take for the rest of a message that it has begun, or for room for a reply, in
    /// milliseconds.
    private let patience: UInt64
    private let complain: @Sendable (String) -> Void
    private var hasComplained = false

    /// - Parameters:
    ///   - complain: told once, in a sentence, of what the client did wrong and is not ended for.
    ///   - socket: connected and non-blocking.
    ///   - stop: ends the session once it is signalled; it stays signalled.
    public init(
        _ socket: consuming OwnedDescriptor, _ device: ServedDevice, stop: EventFD, patience: UInt64 = 10_000,
        complain: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        relays = device.doorbells.compactMap { DoorbellRelay($0, of: device.function) }
        session = Session(device, relays: relays)
        self.socket = socket
        self.stop = stop
        self.patience = patience
        self.complain = complain
    }

    /// Serves the client until it goes, misbehaves, or `stop` is signalled. The device is at rest when this returns,
    /// and holds nothing of the client's.
    public consuming func run() -> SessionEnd {
        defer { session.close() }
        do throws(SessionEnd) {
            while true {
                let outcome = session.handle(try receive())
                complainOnce()
                switch outcome {
                case .reply(let bytes, let descriptors): try send(bytes, descriptors)
                case .silence: break
                case .end(let reason): throw .misbehaved(reason)
                }
            }
        } catch { return error }
    }

    private mutating func complainOnce() {
        guard session.hasRefusedFile, !hasComplained else { return }
        hasComplained = true
        complain(
            "its guest's memory is in a file of a kind that may block: use memory-backend-memfd, or a file in /dev/shm or on hugetlbfs"
        )
    }
}

// MARK: - Messages

extension ClientConnection {
    /// The largest message that makes sense: a region access with its data.
    private static let largestMessage = MessageHeader.byteCount + 16 + ServerVersion.largestTransfer

    private func receive() throws(SessionEnd) -> Message {
        var descriptors: [SharedDescriptor] = []
        try waitForMessage()
        let deadline = MonotonicTime.nanoseconds &+ patience &* 1_000_000
        let start = try take(MessageHeader.byteCount, &descriptors, deadline)
        guard let header = MessageHeader(start[...]) else { throw .misbehaved("it sent no header") }
        let byteCount = Int(header.messageByteCount)
        guard (MessageHeader.byteCount...Self.largestMessage).contains(byteCount) else {
            throw .misbehaved("it sent a message of \(byteCount) bytes")
        }
        let payload = try take(byteCount - MessageHeader.byteCount, &descriptors, deadline)
        return Message(header: header, payload: payload, descriptors: descriptors)
    }

    /// Blocks until something has come. Doorbells are passed on meanwhile.
    private func waitForMessage() throws(SessionEnd) {
        let interests = [Poll.Interest(stop.rawDescriptor), Poll.Interest(socket.rawValue)] + relays.map(\.interest)
        while true {
            let ready = try poll(interests, timeout: nil)
            if ready[0] { throw .stopped }
            for relay in relays { relay.pass() }
            if ready[1] { return }
        }
    }

    /// Takes exactly this many bytes.
    private func take(
        _ count: Int, _ descriptors: inout [SharedDescriptor], _ deadline: UInt64
    ) throws(SessionEnd) -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count {
            switch socket.receive(capacity: count - bytes.count) {
            case .parcel(let parcel):
                bytes += parcel.bytes
                descriptors += parcel.descriptors
                if parcel.lostDescriptors || descriptors.count > ServerVersion.mostDescriptors {
                    throw .misbehaved("it sent more than \(ServerVersion.mostDescriptors) descriptors with a message")
                }
            case .none: try wait(Poll.Interest(socket.rawValue), until: deadline, "it sent only a part of a message")
            case .end: throw .clientLeft
            }
        }
        return bytes
    }

    private func send(_ bytes: [UInt8], _ descriptors: [CInt]) throws(SessionEnd) {
        let deadline = MonotonicTime.nanoseconds &+ patience &* 1_000_000
        var rest = bytes[...]
        var descriptors = descriptors
        while !rest.isEmpty {
            switch socket.send(rest, descriptors: descriptors) {
            case .written(0):
                try wait(
                    Poll.Interest(socket.rawValue, forOutput: true), until: deadline,
                    "it does not read what it asked for")
            case .written(let count):
                rest = rest.dropFirst(count)
                descriptors = []
            case .failed: throw .clientLeft
            }
        }
    }
}

// MARK: - Waiting

extension ClientConnection {
    private func wait(_ interest: Poll.Interest, until deadline: UInt64, _ complaint: String) throws(SessionEnd) {
        let now = MonotonicTime.nanoseconds
        guard now < deadline else { throw .misbehaved(complaint) }
        let milliseconds = Int32(clamping: (deadline - now) / 1_000_000 + 1)
        if try poll([Poll.Interest(stop.rawDescriptor), interest], timeout: milliseconds)[0] { throw .stopped }
    }

    private func poll(_ interests: [Poll.Interest], timeout: Int32?) throws(SessionEnd) -> [Bool] {
        return try mapError(Poll.wait(interests, timeout: timeout), to: SessionEnd.failed)
    }
}
