public import GuestMemory

/// One piece of a buffer, copied out of a descriptor.
public struct Descriptor: Hashable, Sendable {
    /// Guest-physical; whether memory lies there shows when it is used.
    public let address: GuestAddress
    public let byteCount: UInt32
    /// Whether the device may only write it; otherwise it may only read it.
    public let isDeviceWritable: Bool

    public init(address: GuestAddress, byteCount: UInt32, isDeviceWritable: Bool) {
        self.address = address
        self.byteCount = byteCount
        self.isDeviceWritable = isDeviceWritable
    }
}

/// How a buffer is returned to the driver.
public struct BufferToken: Hashable, Sendable {
    /// The index of the chain's first descriptor, or the packed ring's buffer ID.
    public let id: UInt16
    /// How many entries of a packed descriptor ring the buffer takes; 1 in a split ring.
    let slotCount: UInt16
}

/// A buffer that the driver made available: its pieces in order, those of an indirect table among them.
public struct DescriptorChain: Hashable, Sendable {
    public let token: BufferToken
    public let descriptors: DescriptorList
}

/// What is wrong with one chain. The driver gets it back unused, and the queue goes on.
public enum ChainError: Error, Equatable, Sendable {
    /// `next` names a descriptor that the table does not have (virtio 1.3, section 2.7.5).
    case nextBeyondTable(UInt16)
    /// More descriptors than the queue has: a loop, or longer than section 2.7.5.3.1 allows.
    case tooManyDescriptors
    /// The pieces have more than 2^32 bytes together (section 2.7.5.2).
    case tooManyBytes
    /// An indirect table, though VIRTIO_F_INDIRECT_DESC was not negotiated (section 2.7.5.3.1).
    case indirectNotNegotiated
    /// An indirect table of no bytes, or of a size in bytes that is no multiple of 16 (section 2.7.5.3).
    case indirectTableSize(UInt32)
    /// An indirect table within an indirect table (section 2.7.5.3.1).
    case nestedIndirect
    /// A descriptor with both INDIRECT and NEXT (section 2.7.5.3.1).
    case indirectWithNext
    /// The indirect table is not in memory.
    case indirectTable(GuestMemoryError)
}

/// What makes a whole queue useless until a reset: after it nothing in the ring can be believed.
public enum QueueError: Error, Equatable, Sendable {
    /// A part of the ring is not in memory.
    case ring(GuestMemoryError)
    /// The available index is further ahead than the queue has entries (section 2.7.6).
    case availableIndexJump(from: UInt16, to: UInt16)
    /// The available ring names a descriptor that the table does not have (section 2.7.6).
    case headBeyondTable(UInt16)
    /// A packed chain that does not end within the ring, so that its successor cannot be found (section 2.8.6).
    case endlessChain
}

/// A buffer that was taken from a queue.
public enum AvailableBuffer: Equatable, Sendable {
    case chain(DescriptorChain)
    case malformed(BufferToken, ChainError)
}
