public import GuestMemory

/// Writes the device-writable part of a chain from its beginning on, however the driver has cut it into pieces (virtio
/// 1.3, section 2.7.4.1). It holds no memory: each call is given the map as it is then.
public struct ChainWriter: Sendable {
    private var cursor: ChainCursor
    private var written: UInt64 = 0

    public init(_ chain: DescriptorChain) {
        cursor = ChainCursor(chain, isDeviceWritable: true)
    }

    /// How many bytes there is room for; at most 2^32.
    public var remainingByteCount: UInt64 { cursor.remainingByteCount }

    /// How many bytes have been written without a gap, for the used ring (section 2.7.8).
    public var writtenByteCount: UInt32 { UInt32(clamping: written) }

    /// Writes a little-endian integer.
    ///
    /// - Throws: `noRoom`, with the writer as it was, or `unwritable`, after which nothing more is to be written.
    public mutating func store<Value: FixedWidthInteger & UnsignedInteger & BitwiseCopyable>(
        _ value: Value, in memory: MemoryMap
    ) throws(RequestError) {
        let byteCount = MemoryLayout<Value>.size
        guard remainingByteCount >= UInt64(byteCount) else { throw .noRoom(byteCount: remainingByteCount) }
        do throws(GuestMemoryError) {
            guard let piece = try cursor.next(atMost: byteCount) else { return }
            guard piece.byteCount < byteCount else {
                try memory.store(value, at: piece.address)
                written &+= UInt64(byteCount)
                return
            }
            let bytes = (0..<byteCount).map { UInt8(truncatingIfNeeded: value >> Value($0 * 8)) }
            try scatter(bytes.span, from: piece, in: memory)
        } catch {
            throw .unwritable(error)
        }
    }

    /// Writes bytes.
    ///
    /// - Throws: `noRoom`, with the writer as it was, or `unwritable`, after which nothing more is to be written.
    public mutating func write(_ bytes: Span<UInt8>, in memory: MemoryMap) throws(RequestError) {
        guard remainingByteCount >= UInt64(bytes.count) else { throw .noRoom(byteCount: remainingByteCount) }
        guard !bytes.isEmpty else { return }
        do throws(GuestMemoryError) {
            guard let piece = try cursor.next(atMost: bytes.count) else { return }
            try scatter(bytes, from: piece, in: memory)
        } catch {
            throw .unwritable(error)
        }
    }

    private mutating func scatter(
        _ bytes: Span<UInt8>, from first: ChainCursor.Piece, in memory: MemoryMap
    ) throws(GuestMemoryError) {
        var (piece, done) = (first, 0)
        while true {
            try memory.write(bytes.extracting(done..<done + piece.byteCount), at: piece.address)
            done += piece.byteCount
            written &+= UInt64(piece.byteCount)
            guard done < bytes.count, let next = try cursor.next(atMost: bytes.count - done) else { return }
            piece = next
        }
    }
}
