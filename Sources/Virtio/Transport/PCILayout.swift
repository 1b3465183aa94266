import PCI

/// Where everything lies in the BARs of a virtio function. Drivers find it through the capabilities; the layout is the
/// same in every front-end.
struct PCILayout {
    /// The BAR of the MSI-X structures.
    static let interruptBAR = 0
    /// The BAR of virtio's structures.
    static let structureBAR = 2

    let common = PCICapability.Place(bar: structureBAR, offset: 0x0000, byteCount: PCICommonConfiguration.byteCount)
    /// One byte is enough; three more let a wider load see it.
    let interruptStatus = PCICapability.Place(bar: structureBAR, offset: 0x1000, byteCount: 4)
    /// Longer than any device's configuration; what is behind its end reads as zero.
    let device = PCICapability.Place(bar: structureBAR, offset: 0x2000, byteCount: 0x1000)
    let notification: PCICapability.Place
    let pendingBitsOffset: UInt64
    let interruptBARByteCount: UInt64
    let structureBARByteCount: UInt64

    init(queueCount: Int, interrupts: MessageSignalledInterrupts) {
        notification = PCICapability.Place(
            bar: Self.structureBAR, offset: 0x3000,
            byteCount: max(UInt64(queueCount), 1) * PCINotification.multiplier)
        pendingBitsOffset = max(0x800, UInt64(interrupts.tableByteCount))
        interruptBARByteCount = Self.powerOfTwo(
            above: pendingBitsOffset + UInt64(interrupts.pendingBitsByteCount), least: 0x1000)
        structureBARByteCount = Self.powerOfTwo(above: notification.offset + notification.byteCount, least: 0x4000)
    }

    private static func powerOfTwo(above byteCount: UInt64, least: UInt64) -> UInt64 {
        var result = least
        while result < byteCount { result *= 2 }
        return result
    }
}
