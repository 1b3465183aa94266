import GuestMemory
import Virtio

/// What is wrong with a request whose chain is well formed. It is answered with failure, if it has room for an answer.
public enum RequestError: Error, Equatable, Sendable {
    /// Fewer than the 4 device-readable bytes of a request.
    case short(byteCount: UInt64)
    /// A readable piece behind a writable one (virtio 1.3, section 2.7.4.2).
    case readableAfterWritable
    /// The request is not in memory.
    case unreadable(GuestMemoryError)
    /// A type other than flush (section 5.19.6).
    case unknownType(UInt32)
}

/// A request as taken from the queue: `le32 type` to read, `le32 ret` to write (virtio 1.3, sections 5.19.6 and 5.19.7.2).
///
/// The driver may cut both into pieces as it likes (section 2.7.4.1). Bytes beyond the two fields are left alone.
struct Request {
    /// VIRTIO_PMEM_REQ_TYPE_FLUSH, the only type there is.
    static let flush: UInt32 = 0

    let token: BufferToken
    /// nil for a flush that can be carried out.
    let problem: RequestError?
    /// The 4 bytes of `ret`, in order; nil when there is no room for them.
    private let returnField: [Piece]?

    private struct Piece {
        let address: GuestAddress
        let byteCount: Int
    }

    init(_ chain: DescriptorChain, in memory: MemoryMap) {
        token = chain.token
        returnField = Self.firstBytes(4, of: chain.descriptors.lazy.filter(\.isDeviceWritable))
        do throws(RequestError) {
            try Self.check(chain.descriptors, in: memory)
            problem = nil
        } catch {
            problem = error
        }
    }

    private static func check(_ descriptors: [Descriptor], in memory: MemoryMap) throws(RequestError) {
        let firstWritable = descriptors.firstIndex(where: \.isDeviceWritable) ?? descriptors.endIndex
        guard descriptors[firstWritable...].allSatisfy(\.isDeviceWritable) else { throw .readableAfterWritable }
        let readable = descriptors[..<firstWritable]
        guard let pieces = firstBytes(4, of: readable) else {
            throw .short(byteCount: readable.reduce(0) { $0 &+ UInt64($1.byteCount) })
        }
        let type = try loadType(pieces, in: memory)
        guard type == flush else { throw .unknownType(type) }
    }

    private static func loadType(_ pieces: [Piece], in memory: MemoryMap) throws(RequestError) -> UInt32 {
        do throws(GuestMemoryError) {
            if let whole = whole(pieces) { return try memory.load(at: whole) }
            var type: UInt32 = 0
            var shift: UInt32 = 0
            for piece in pieces {
                for byte in try memory.bytes(at: piece.address, count: piece.byteCount) {
                    type |= UInt32(byte) << shift
                    shift &+= 8
                }
            }
            return type
        } catch {
            throw .unreadable(error)
        }
    }

    /// The first bytes that the descriptors describe; nil if there are fewer.
    private static func firstBytes(_ count: Int, of descriptors: some Sequence<Descriptor>) -> [Piece]? {
        var missing = count
        var pieces: [Piece] = []
        for descriptor in descriptors where missing > 0 && descriptor.byteCount > 0 {
            let taken = min(missing, Int(descriptor.byteCount))
            pieces.append(Piece(address: descriptor.address, byteCount: taken))
            missing -= taken
        }
        return missing == 0 ? pieces : nil
    }

    /// Where a field is that lies in one piece, as every driver has it.
    private static func whole(_ pieces: [Piece]) -> GuestAddress? {
        pieces.count == 1 && pieces[0].byteCount == 4 ? pieces[0].address : nil
    }

    /// Writes `ret`: 0 for success, -1 for failure (section 5.19.7.3).
    ///
    /// - Returns: how many bytes of the buffer were written; 0 when there was no room.
    func answer(succeeded: Bool, in memory: MemoryMap) throws(GuestMemoryError) -> UInt32 {
        guard let returnField else { return 0 }
        if let whole = Self.whole(returnField) {
            try memory.store(succeeded ? 0 : UInt32.max, at: whole)
            return 4
        }
        let byte: UInt8 = succeeded ? 0 : 0xff
        for piece in returnField {
            try memory.write([UInt8](repeating: byte, count: piece.byteCount), at: piece.address)
        }
        return 4
    }
}
