import Host

// Accesses to the indices and flags of a virtqueue, which both sides use at once (virtio 1.3, section 2.7.13 for the
// split ring, 2.8.21 for the packed one). Each is a single access of 16 bits with its ordering.

extension MemoryMap {
    /// Loads a little-endian ring index or flag word; what the other side stored before it is visible afterwards.
    ///
    /// - Parameter address: even.
    /// - Throws: `misaligned`, `unmapped` or `fault`.
    public func loadRingWord(at address: GuestAddress) throws(GuestMemoryError) -> UInt16 {
        let (region, offset) = try ringRegion(at: address)
        do throws(HostMapping.Fault) {
            return UInt16(littleEndian: try region.mapping.loadAcquire(at: offset))
        } catch {
            throw .fault(address)
        }
    }

    /// Stores a little-endian ring index or flag word; a load that sees it also sees every store before it.
    ///
    /// - Parameter address: even.
    /// - Throws: `misaligned`, `unmapped`, `readOnly` or `fault`.
    public func storeRingWord(_ value: UInt16, at address: GuestAddress) throws(GuestMemoryError) {
        let (region, offset) = try ringRegion(at: address)
        guard !region.mapping.isReadOnly else { throw .readOnly(address) }
        do throws(HostMapping.Fault) {
            try region.mapping.storeRelease(value.littleEndian, at: offset)
        } catch {
            throw .fault(address)
        }
    }

    /// Orders every earlier access before every later one. Needed between storing one's own index and loading the other
    /// side's "do not notify me", or a notification is lost.
    public static func fullBarrier() { HostMapping.fullBarrier() }

    private func ringRegion(at address: GuestAddress) throws(GuestMemoryError) -> (MemoryRegion, Int) {
        guard address.rawValue & 1 == 0 else { throw .misaligned(address) }
        guard let region = region(at: address), address < region.range.last else { throw .unmapped(address) }
        return (region, Int(address.rawValue &- region.range.start.rawValue))
    }
}
