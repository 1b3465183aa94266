public import Host

/// The client's side of vfio-user on a socket, written from the specification and not from the server's side of it. It
/// speaks as Cloud Hypervisor does: one request, then its reply. What a well-behaved client would not send can be sent
/// as well.
public final class VFIOUserClient {
    /// A reply, taken apart as far as all replies are alike.
    public struct Reply: Equatable {
        public let identifier: UInt16
        public let command: UInt16
        public let flags: UInt32
        public let errorNumber: UInt32
        public let payload: [UInt8]
        public let descriptorCount: Int

        public var isError: Bool { flags & 0x20 != 0 }

        /// A little-endian number in the payload.
        public func number(_ offset: Int, _ byteCount: Int = 4) -> UInt64 {
            payload.dropFirst(offset).prefix(byteCount).reversed().reduce(0) { $0 << 8 | UInt64($1) }
        }
    }

    /// What a request was refused with, or what was wrong with a reply.
    public enum Failure: Error, Equatable {
        case refused(UInt32)
        case ended
        case malformed(String)
    }

    public static let version = Array(
        #"{"capabilities":{"max_msg_fds":1,"max_data_xfer_size":1048576,"migration":{"pgsize":4096}}}"#.utf8)

    private let socket: OwnedDescriptor
    private var nextIdentifier: UInt16 = 0
    /// What came with the last reply.
    public private(set) var descriptors: [SharedDescriptor] = []

    /// - Parameter socket: connected and non-blocking.
    public init(_ socket: consuming OwnedDescriptor) {
        self.socket = socket
    }

    public convenience init(connectingTo path: String) throws {
        self.init(try UnixSocket.connect(to: path))
    }

    // MARK: Bytes

    /// Fields of 32 and of 64 bits, little-endian.
    public static func bytes(_ words: [UInt32] = [], _ longs: [UInt64] = []) -> [UInt8] {
        words.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> ($0 * 8)) } }
            + longs.flatMap { long in (0..<8).map { UInt8(truncatingIfNeeded: long >> ($0 * 8)) } }
    }

    public static func header(
        _ command: UInt16, byteCount: Int, identifier: UInt16 = 0, flags: UInt32 = 0
    ) -> [UInt8] {
        [UInt8(identifier & 0xff), UInt8(identifier >> 8), UInt8(command & 0xff), UInt8(command >> 8)]
            + bytes([UInt32(truncatingIfNeeded: byteCount), flags, 0])
    }

    /// Sends bytes as they are, as far as the server takes them within some seconds.
    ///
    /// - Returns: whether it took all.
    @discardableResult
    public func sendRaw(_ bytes: [UInt8], descriptors: [CInt] = [], seconds: Int32 = 20) throws -> Bool {
        var rest = bytes[...]
        var descriptors = descriptors
        while !rest.isEmpty {
            switch socket.send(rest, descriptors: descriptors) {
            case .written(0):
                guard try Poll.wait([Poll.Interest(socket.rawValue, forOutput: true)], timeout: seconds * 1000)[0]
                else { return false }
            case .written(let count):
                rest = rest.dropFirst(count)
                descriptors = []
            case .failed: throw Failure.ended
            }
        }
        return true
    }

    /// Takes exactly this many bytes, and the descriptors with them.
    public func receiveRaw(_ count: Int, seconds: Int32 = 20) throws -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count {
            switch socket.receive(capacity: count - bytes.count) {
            case .parcel(let parcel):
                bytes += parcel.bytes
                descriptors += parcel.descriptors
            case .none:
                guard try Poll.wait([Poll.Interest(socket.rawValue)], timeout: seconds * 1000)[0] else {
                    throw SupportError.timedOut("a reply")
                }
            case .end: throw Failure.ended
            }
        }
        return bytes
    }

    /// Nothing more is sent or received, while the object lives on.
    public func shutDown() { UnixSocket.shutDown(socket) }

    // MARK: Requests

    public func send(
        _ command: UInt16, _ payload: [UInt8] = [], descriptors: [CInt] = [], flags: UInt32 = 0
    ) throws {
        nextIdentifier &+= 1
        let header = Self.header(command, byteCount: 16 + payload.count, identifier: nextIdentifier, flags: flags)
        try sendRaw(header + payload, descriptors: descriptors)
    }

    public func receive() throws -> Reply {
        descriptors = []
        let header = try receiveRaw(16)
        func number(_ offset: Int, _ count: Int) -> UInt32 {
            header[offset..<offset + count].reversed().reduce(0) { $0 << 8 | UInt32($1) }
        }
        let byteCount = Int(number(4, 4))
        guard (16...2 << 20).contains(byteCount) else { throw Failure.malformed("a message of \(byteCount) bytes") }
        let payload = try receiveRaw(byteCount - 16)
        return Reply(
            identifier: UInt16(number(0, 2)), command: UInt16(number(2, 2)), flags: number(8, 4),
            errorNumber: number(12, 4),
            payload: payload, descriptorCount: descriptors.count)
    }

    /// A request and its reply, whatever that says.
    public func ask(_ command: UInt16, _ payload: [UInt8] = [], descriptors: [CInt] = []) throws -> Reply {
        try send(command, payload, descriptors: descriptors)
        let reply = try receive()
        guard reply.command == command, reply.identifier == nextIdentifier, reply.flags & 0xf == 1 else {
            throw Failure.malformed("an answer to something else: \(reply)")
        }
        if reply.isError, !reply.payload.isEmpty { throw Failure.malformed("an error with a payload") }
        return reply
    }

    /// A request that has to succeed.
    @discardableResult
    public func call(_ command: UInt16, _ payload: [UInt8] = [], descriptors: [CInt] = []) throws -> Reply {
        let reply = try ask(command, payload, descriptors: descriptors)
        if reply.isError { throw Failure.refused(reply.errorNumber) }
        return reply
    }
}

// MARK: - What every client does

extension VFIOUserClient {
    /// - Returns: the server's capabilities, as text.
    @discardableResult
    public func negotiate(_ data: [UInt8] = version + [0], major: UInt16 = 0, minor: UInt16 = 1) throws -> String {
        let reply = try call(
            1, [UInt8(major & 0xff), UInt8(major >> 8), UInt8(minor & 0xff), UInt8(minor >> 8)] + data)
        guard reply.payload.count <= 4 + data.count else {
            throw Failure.malformed("a VERSION reply longer than the request")
        }
        return String(decoding: reply.payload.dropFirst(4).dropLast(), as: UTF8.self)
    }

    /// A region of the device.
    public struct Region {
        public let flags: UInt32
        public let byteCount: UInt64
        /// Where the mappable part begins in `file`, in bytes.
        public let fileOffset: UInt64
        public let file: SharedDescriptor?
        /// The one area of the sparse mapping capability: offset and size in bytes.
        public let area: (offset: UInt64, byteCount: UInt64)?
    }

    /// Asks twice where the first reply says that there is more.
    public func region(_ index: UInt32) throws -> Region {
        func ask(_ capacity: UInt32) throws -> Reply { try call(5, Self.bytes([capacity, 0, index, 0], [0, 0])) }
        var reply = try ask(32)
        let needed = UInt32(reply.number(0))
        if needed > 32 { reply = try ask(needed) }
        let capability = Int(reply.number(12))
        let hasArea = capability >= 32 && reply.payload.count >= capability + 32
        return Region(
            flags: UInt32(reply.number(4)), byteCount: reply.number(16, 8), fileOffset: reply.number(24, 8),
            file: descriptors.first,
            area: hasArea ? (reply.number(capability + 16, 8), reply.number(capability + 24, 8)) : nil)
    }

    public func load(_ region: UInt32, _ offset: UInt64, _ byteCount: Int) throws -> UInt64 {
        try call(9, Self.bytes([], [offset]) + Self.bytes([region, UInt32(byteCount)])).number(16, byteCount)
    }

    public func store(_ region: UInt32, _ offset: UInt64, _ value: UInt64, _ byteCount: Int) throws {
        try call(
            10,
            Self.bytes([], [offset]) + Self.bytes([region, UInt32(byteCount)])
                + Self.bytes([], [value]).prefix(byteCount))
    }

    public func mapMemory(_ file: SharedDescriptor?, offset: UInt64 = 0, address: UInt64, byteCount: UInt64) throws {
        try call(
            2, Self.bytes([32, 3], [offset, address, byteCount]), descriptors: file.map { [$0.rawValue] } ?? [])
    }

    public func unmapMemory(address: UInt64, byteCount: UInt64) throws {
        let reply = try call(3, Self.bytes([24, 0], [address, byteCount]))
        guard reply.payload.count == 24 else {
            throw Failure.malformed("a DMA_UNMAP reply of \(reply.payload.count) bytes")
        }
    }

    /// Gives vectors their eventfds, from `start` on.
    public func setInterrupts(_ events: [EventFD], start: UInt32 = 0) throws {
        try call(
            8, Self.bytes([20, 1 << 2 | 1 << 5, 2, start, UInt32(events.count)]),
            descriptors: events.map(\.rawDescriptor))
    }

    /// The size of a BAR, as its register tells when it is written all ones.
    public func sizeOfBAR(_ index: UInt64, isWide: Bool) throws -> UInt64 {
        let register = 0x10 + index * 4
        var mask: UInt64 = 0
        for half in 0..<(isWide ? 2 : 1) as Range<UInt64> {
            let saved = try load(7, register + half * 4, 4)
            try store(7, register + half * 4, 0xffff_ffff, 4)
            mask |= try load(7, register + half * 4, 4) << (half * 32)
            try store(7, register + half * 4, saved, 4)
        }
        if !isWide { mask |= 0xffff_ffff_0000_0000 }
        return ~(mask & ~0xf) &+ 1
    }
}
