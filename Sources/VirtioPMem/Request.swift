import GuestMemory
import Virtio

/// A request as taken from the queue: `le32 type` to read, `le32 ret` to write (virtio 1.3, sections 5.19.6 and
/// 5.19.7.2).
///
/// Bytes beyond the two fields are left alone.
struct Request {
    /// VIRTIO_PMEM_REQ_TYPE_FLUSH, the only type there is.
    private static let flush: UInt32 = 0

    /// nil for a flush that can be carried out.
    let problem: RequestError?
    private var returnField: ChainWriter

    init(_ chain: DescriptorChain, in memory: MemoryMap) {
        returnField = ChainWriter(chain)
        do throws(RequestError) {
            var reader = try ChainReader(chain)
            let type = try reader.load(UInt32.self, in: memory)
            problem = type == Self.flush ? nil : .unknownType(type)
        } catch {
            problem = error
        }
    }

    /// Writes `ret`: 0 for success, -1 for failure (section 5.19.7.3).
    ///
    /// - Returns: how many bytes of the buffer were written; 0 when there is no room.
    mutating func answer(succeeded: Bool, in memory: MemoryMap) throws(RequestError) -> UInt32 {
        guard returnField.remainingByteCount >= 4 else { return 0 }
        try returnField.store(succeeded ? 0 : UInt32.max, in: memory)
        return returnField.writtenByteCount
    }
}
