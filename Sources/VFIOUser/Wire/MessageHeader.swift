/// The 16 bytes before every message (vfio-user specification, "Header"). All numbers are in the host's byte order,
/// which is little-endian on every machine that this program runs on.
public struct MessageHeader: Equatable, Sendable {
    public static let byteCount = 16

    /// The low bits of `flags`: what kind of message it is.
    static let typeMask: UInt32 = 0xf
    public static let command: UInt32 = 0
    public static let reply: UInt32 = 1
    /// The sender of a command wants no reply.
    public static let noReply: UInt32 = 1 << 4
    /// The command failed; `error` says why.
    public static let error: UInt32 = 1 << 5

    /// Chosen by the sender of a command, repeated in the reply.
    public var identifier: UInt16
    /// What is asked for, as a number: a client may send one that means nothing.
    public var command: UInt16
    /// Of the whole message, this header included.
    public var messageByteCount: UInt32
    public var flags: UInt32
    /// An errno, in a reply.
    public var errorNumber: UInt32

    public init(identifier: UInt16, command: UInt16, messageByteCount: UInt32, flags: UInt32, errorNumber: UInt32 = 0) {
        self.identifier = identifier
        self.command = command
        self.messageByteCount = messageByteCount
        self.flags = flags
        self.errorNumber = errorNumber
    }

    /// nil for fewer than 16 bytes.
    public init?(_ bytes: ArraySlice<UInt8>) {
        var reader = WireReader(bytes)
        guard let identifier = reader.take(UInt16.self), let command = reader.take(UInt16.self),
            let messageByteCount = reader.take(UInt32.self), let flags = reader.take(UInt32.self),
            let errorNumber = reader.take(UInt32.self)
        else { return nil }
        self.init(
            identifier: identifier, command: command, messageByteCount: messageByteCount, flags: flags,
            errorNumber: errorNumber)
    }

    public var bytes: [UInt8] {
        var writer = WireWriter()
        writer.put(identifier)
        writer.put(command)
        writer.put(messageByteCount)
        writer.put(flags)
        writer.put(errorNumber)
        return writer.bytes
    }

    var isCommand: Bool { flags & Self.typeMask == Self.command }
    var wantsReply: Bool { flags & Self.noReply == 0 }
}

/// What a client may ask for ("Commands").
public enum Command: UInt16, CaseIterable, Sendable {
    case version = 1
    case mapMemory = 2
    case unmapMemory = 3
    case deviceInformation = 4
    case regionInformation = 5
    case regionDescriptors = 6
    case interruptInformation = 7
    case setInterrupts = 8
    case readRegion = 9
    case writeRegion = 10
    case reset = 13
    case writeRegions = 15
}

/// Why a command is refused, as the errno that the client gets.
public struct Refusal: Error, Equatable, Sendable {
    public let errorNumber: Int32

    init(_ errorNumber: Int32) {
        self.errorNumber = errorNumber
    }
}
