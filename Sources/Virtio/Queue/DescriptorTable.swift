import GuestMemory
import Host

/// One descriptor as it lies in memory, 16 bytes, in either layout.
struct RawDescriptor {
    static let byteCount: UInt64 = 16
    static let next: UInt16 = 1
    static let write: UInt16 = 2
    static let indirect: UInt16 = 4
    /// Packed rings only (virtio 1.3, section 2.8.1).
    static let available: UInt16 = 1 << 7
    static let used: UInt16 = 1 << 15

    let address: GuestAddress
    let length: UInt32
    /// Bytes 12 and 13: `flags` of a split descriptor, `id` of a packed one.
    let third: UInt16
    /// Bytes 14 and 15: `next` of a split descriptor, `flags` of a packed one.
    let fourth: UInt16

    /// Copies the descriptor once, so that all of it is judged as it is then used.
    init(at address: GuestAddress, in memory: MemoryMap) throws(GuestMemoryError) {
        let bits: UInt128 = try memory.load(at: address)
        self.address = GuestAddress(UInt64(truncatingIfNeeded: bits))
        length = UInt32(truncatingIfNeeded: bits >> 64)
        third = UInt16(truncatingIfNeeded: bits >> 96)
        fourth = UInt16(truncatingIfNeeded: bits >> 112)
    }
}

extension GuestAddress {
    /// The address of an entry of an array that begins here.
    func entry(_ index: UInt64, of byteCount: UInt64, at offset: UInt64 = 0) throws(GuestMemoryError) -> GuestAddress {
        let (product, overflow) = index.multipliedReportingOverflow(by: byteCount)
        guard !overflow, let entry = advanced(by: product)?.advanced(by: offset) else { throw .wraps(self) }
        return entry
    }
}

/// The pieces of a chain as they are found, with the limits of a chain.
struct ChainBuilder {
    /// In descriptors: the queue's size.
    let limit: Int
    private(set) var descriptors = DescriptorList()
    private var byteCount: UInt64 = 0

    init(limit: Int) {
        self.limit = limit
    }

    mutating func append(_ raw: RawDescriptor, isDeviceWritable: Bool) throws(ChainError) {
        guard descriptors.count < limit else { throw .tooManyDescriptors }
        // No overflow: at most 32768 pieces of less than 2^32 bytes.
        byteCount &+= UInt64(raw.length)
        guard byteCount <= 1 << 32 else { throw .tooManyBytes }
        descriptors.append(
            Descriptor(address: raw.address, byteCount: raw.length, isDeviceWritable: isDeviceWritable))
    }
}

/// An indirect table (virtio 1.3, sections 2.7.5.3 and 2.8.7).
struct IndirectTable {
    let address: GuestAddress
    /// In descriptors, above 0.
    let count: UInt32

    init(_ raw: RawDescriptor, isNegotiated: Bool) throws(ChainError) {
        guard isNegotiated else { throw .indirectNotNegotiated }
        guard raw.length > 0, raw.length % 16 == 0 else { throw .indirectTableSize(raw.length) }
        address = raw.address
        count = raw.length / 16
    }

    func descriptor(_ index: UInt32, in memory: MemoryMap) throws(ChainError) -> RawDescriptor {
        return try mapError(
            RawDescriptor(at: address.entry(UInt64(index), of: RawDescriptor.byteCount), in: memory),
            to: ChainError.indirectTable)
    }
}
