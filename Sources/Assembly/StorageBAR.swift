public import PCI

/// The BAR that a device's memory is. Index and size are decided here for every front-end.
public enum StorageBAR {
    /// BAR 0 has the MSI-X structures, BAR 2 virtio's, and each is 32 bits wide; this one takes 4 and 5. Nothing else
    /// is in it: Linux' virtio driver claims the BARs of its registers for itself.
    public static let index = 4

    /// - Parameters:
    ///   - byteCount: of the memory.
    ///   - alignment: of its host address; the BAR is no smaller, so that the guest's address is a multiple as well.
    /// - Throws: `AddressSpaceExhausted` for what no BAR can be.
    public static func make(
        byteCount: UInt64, alignment: UInt64
    ) throws(AddressSpaceExhausted) -> BaseAddressRegister {
        let least = max(byteCount, alignment, 4096)
        let size: UInt64 = least <= 1 << 62 ? 1 << UInt64(64 - (least - 1).leadingZeroBitCount) : .max
        do throws(ConfigurationError) {
            return try BaseAddressRegister(
                index: index, byteCount: size, width: .bits64, isPrefetchable: true, contents: nil)
        } catch { throw AddressSpaceExhausted(bar: index, byteCount: least) }
    }
}
