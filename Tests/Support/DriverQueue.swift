public import GuestMemory

/// One piece of a buffer, as a driver sees it.
public struct BufferPiece: Sendable {
    public let address: GuestAddress
    public let byteCount: UInt32
    /// Whether it is for the device to write.
    public let isWritable: Bool

    public static func readable(_ address: GuestAddress, _ byteCount: UInt32) -> BufferPiece {
        BufferPiece(address: address, byteCount: byteCount, isWritable: false)
    }

    public static func writable(_ address: GuestAddress, _ byteCount: UInt32) -> BufferPiece {
        BufferPiece(address: address, byteCount: byteCount, isWritable: true)
    }
}

/// A buffer that the device returned.
public struct UsedBuffer: Equatable, Sendable {
    /// What `add` returned for it.
    public let id: UInt16
    public let writtenByteCount: UInt32

    public init(id: UInt16, writtenByteCount: UInt32) {
        self.id = id
        self.writtenByteCount = writtenByteCount
    }
}

/// The driver's side of a virtqueue, written from the specification and not from the device's side of it. One thread.
public protocol DriverQueue {
    var size: UInt16 { get }
    /// Guest-physical: the parts of the queue, to be given to the device.
    var descriptorArea: GuestAddress { get }
    var driverArea: GuestAddress { get }
    var deviceArea: GuestAddress { get }

    /// Places a buffer. The device sees it with the next `publish`.
    ///
    /// - Parameter indirect: whether the pieces go to an indirect table.
    /// - Returns: the buffer's id.
    mutating func add(_ pieces: [BufferPiece], indirect: Bool) throws -> UInt16
    /// Makes every buffer added so far available.
    ///
    /// - Returns: whether the device wants a notification for them.
    mutating func publish() throws -> Bool
    /// The next buffer that the device returned; nil if there is none.
    mutating func takeUsed() throws -> UsedBuffer?
    /// Asks for an interrupt with the next used buffer, or for none. With the event index, "none" cannot be said.
    mutating func requestInterrupt(_ wanted: Bool) throws
}

extension DriverQueue {
    public mutating func add(_ pieces: [BufferPiece]) throws -> UInt16 { try add(pieces, indirect: false) }
}
