public import GuestMemory

/// Reads the device-readable part of a chain from its beginning on, however the driver has cut it into pieces (virtio
/// 1.3, section 2.7.4.1). It holds no memory: each call is given the map as it is then.
///
/// After an error the reader's position is anywhere.
public struct ChainReader: Sendable {
    private var cursor: ChainCursor

    /// - Throws: `readableAfterWritable`.
    public init(_ chain: DescriptorChain) throws(RequestError) {
        var hasWritable = false
        for position in 0..<chain.descriptors.count {
            let isWritable = chain.descriptors[position].isDeviceWritable
            if hasWritable, !isWritable { throw .readableAfterWritable }
            hasWritable = hasWritable || isWritable
        }
        cursor = ChainCursor(chain, isDeviceWritable: false)
    }

    /// How many bytes are left to read; at most 2^32.
    public var remainingByteCount: UInt64 { cursor.remainingByteCount }

    /// Reads a little-endian integer.
    ///
    /// - Throws: `short`, with the reader as it was, or `unreadable`.
    public mutating func load<Value: FixedWidthInteger & UnsignedInteger & BitwiseCopyable>(
        _ type: Value.Type = Value.self, in memory: MemoryMap
    ) throws(RequestError) -> Value {
        let byteCount = MemoryLayout<Value>.size
        guard remainingByteCount >= UInt64(byteCount) else { throw .short(byteCount: remainingByteCount) }
        do throws(GuestMemoryError) {
            guard let piece = try cursor.next(atMost: byteCount) else { return 0 }
            if piece.byteCount == byteCount { return try memory.load(at: piece.address) }
            return try gather(type, from: piece, in: memory)
        } catch {
            throw .unreadable(error)
        }
    }

    /// An integer that lies in several pieces.
    private mutating func gather<Value: FixedWidthInteger & UnsignedInteger>(
        _ type: Value.Type, from first: ChainCursor.Piece, in memory: MemoryMap
    ) throws(GuestMemoryError) -> Value {
        var bytes = try memory.bytes(at: first.address, count: first.byteCount)
        while bytes.count < MemoryLayout<Value>.size,
            let piece = try cursor.next(atMost: MemoryLayout<Value>.size - bytes.count)
        {
            bytes += try memory.bytes(at: piece.address, count: piece.byteCount)
        }
        return bytes.reversed().reduce(0) { $0 << 8 | Value($1) }
    }

    /// Reads bytes.
    ///
    /// - Throws: `short`, with the reader as it was, or `unreadable`. Nothing is allocated for bytes that are not
    ///   memory.
    public mutating func bytes(_ count: Int, in memory: MemoryMap) throws(RequestError) -> [UInt8] {
        guard remainingByteCount >= UInt64(max(count, 0)) else { throw .short(byteCount: remainingByteCount) }
        var result: [UInt8] = []
        do throws(GuestMemoryError) {
            while result.count < count, let piece = try cursor.next(atMost: count - result.count) {
                result += try memory.bytes(at: piece.address, count: piece.byteCount)
            }
        } catch {
            throw .unreadable(error)
        }
        return result
    }
}
