import GuestMemory

/// A position in a chain's pieces of one direction, readable or writable.
struct ChainCursor: Sendable {
    /// A part of one descriptor's memory, never empty.
    struct Piece {
        let address: GuestAddress
        let byteCount: Int
    }

    private let descriptors: DescriptorList
    private let isDeviceWritable: Bool
    private var index = 0
    /// In the descriptor at `index`.
    private var offset: UInt32 = 0
    /// How many bytes lie behind this position; at most 2^32 (virtio 1.3, section 2.7.5.2).
    private(set) var remainingByteCount: UInt64 = 0

    init(_ chain: DescriptorChain, isDeviceWritable: Bool) {
        descriptors = chain.descriptors
        self.isDeviceWritable = isDeviceWritable
        for position in 0..<descriptors.count where descriptors[position].isDeviceWritable == isDeviceWritable {
            remainingByteCount &+= UInt64(descriptors[position].byteCount)
        }
    }

    /// Moves on over the memory of one descriptor.
    ///
    /// - Parameter limit: in bytes, above 0.
    /// - Returns: the memory; nil at the end of the chain.
    mutating func next(atMost limit: Int) throws(GuestMemoryError) -> Piece? {
        while index < descriptors.count {
            let descriptor = descriptors[index]
            guard descriptor.isDeviceWritable == isDeviceWritable, offset < descriptor.byteCount else {
                index += 1
                offset = 0
                continue
            }
            guard let address = descriptor.address.advanced(by: UInt64(offset)) else {
                throw .wraps(descriptor.address)
            }
            let byteCount = min(UInt32(clamping: limit), descriptor.byteCount &- offset)
            offset &+= byteCount
            remainingByteCount &-= UInt64(byteCount)
            return Piece(address: address, byteCount: Int(byteCount))
        }
        return nil
    }
}
