import Glibc
import Host
import TestSupport
import VFIOUser

/// A fuzzer's input as what a client sends: messages one after the other, each with a byte before it that says which
/// descriptors come with it. A first byte says whether the session begins with a VERSION that is right.
public struct SessionInput {
    private let bytes: [UInt8]

    public init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// Lets a session carry it all out.
    ///
    /// - Returns: what is wrong with the session afterwards; nil if it keeps what it promises.
    public func run() throws -> String? {
        let device = try FuzzDevice()
        let session = Session(device.served)
        var rest = bytes[...]
        if rest.popFirst().map({ $0 & 1 == 1 }) ?? false {
            _ = session.handle(Message(header: Self.version, payload: [0, 0, 1, 0]))
        }
        var problem: String?
        while problem == nil, let message = try Self.takeMessage(&rest) {
            let outcome = session.handle(message)
            problem = Self.judge(outcome, of: message)
            if case .end = outcome { break }
        }
        session.close()
        return problem ?? (device.memory.map.regions.isEmpty ? nil : "memory is left after the session")
    }

    private static let version = MessageHeader(identifier: 0, command: 1, messageByteCount: 20, flags: 0)

    private static func takeMessage(_ rest: inout ArraySlice<UInt8>) throws -> Message? {
        guard let kind = rest.popFirst(), let header = MessageHeader(rest) else { return nil }
        rest = rest.dropFirst(MessageHeader.byteCount)
        let count = min(max(Int(header.messageByteCount) - MessageHeader.byteCount, 0), rest.count)
        let payload = Array(rest.prefix(count))
        rest = rest.dropFirst(count)
        return Message(header: header, payload: payload, descriptors: try FuzzDescriptors.make(kind))
    }

    /// What holds for every reply: its size, its type, the command's identifier; an error has no payload.
    private static func judge(_ outcome: Outcome, of message: Message) -> String? {
        guard case .reply(let bytes, let descriptors) = outcome else { return nil }
        guard let reply = MessageHeader(bytes[...]), Int(reply.messageByteCount) == bytes.count else {
            return "a reply of wrong size"
        }
        guard reply.identifier == message.header.identifier, reply.command == message.header.command else {
            return "a reply to another"
        }
        let isError = reply.flags & MessageHeader.error != 0
        guard reply.flags & 0xf == MessageHeader.reply, isError == (reply.errorNumber != 0) else {
            return "a reply with wrong flags"
        }
        if isError, bytes.count > MessageHeader.byteCount || !descriptors.isEmpty {
            return "an error with something behind it"
        }
        if message.header.flags & MessageHeader.noReply != 0 { return "a reply to a request with No_reply" }
        if message.header.command == Command.version.rawValue, !isError,
            bytes.count > MessageHeader.byteCount + message.payload.count
        {
            return "a VERSION reply that is longer than its request"
        }
        return nil
    }
}

/// Descriptors of every kind that matters, made once.
enum FuzzDescriptors {
    private static let memory = Result { try MemoryFile(byteCount: 1 << 20).descriptor }
    private static let shrinkable = Result { try MemoryFile(byteCount: 4096, isSealed: false).descriptor }
    private static let event = Result {
        let event = try EventFD()
        return withExtendedLifetime(event) { SharedDescriptor(OwnedDescriptor(taking: dup(event.rawDescriptor))) }
    }
    private static let null = Result { SharedDescriptor(try OwnedDescriptor(opening: "/dev/null", access: .readWrite)) }

    /// - Parameter kind: the low bits choose the kind, the next their number.
    static func make(_ kind: UInt8) throws -> [SharedDescriptor] {
        let one: SharedDescriptor? =
            switch kind & 7 {
            case 1: try memory.get()
            case 2: try shrinkable.get()
            case 3: try event.get()
            case 4: try null.get()
            default: nil
            }
        return one.map { [SharedDescriptor](repeating: $0, count: 1 + Int(kind >> 3 & 3)) } ?? []
    }
}
