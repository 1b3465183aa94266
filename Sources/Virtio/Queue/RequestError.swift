public import GuestMemory

/// What is wrong with a request whose chain is well formed: what a device finds when it reads the request or answers
/// it.
public enum RequestError: Error, Equatable, Sendable {
    /// Fewer device-readable bytes than the request needs; this many were left.
    case short(byteCount: UInt64)
    /// Fewer device-writable bytes than the answer needs; this many were left.
    case noRoom(byteCount: UInt64)
    /// A readable piece behind a writable one (virtio 1.3, section 2.7.4.2).
    case readableAfterWritable
    /// A readable piece, where the device takes none.
    case readablePiece
    /// The request is not in memory.
    case unreadable(GuestMemoryError)
    /// There is no memory, or none to be written, where the answer is to go.
    case unwritable(GuestMemoryError)
    /// A type of request that the device does not know.
    case unknownType(UInt32)
}
