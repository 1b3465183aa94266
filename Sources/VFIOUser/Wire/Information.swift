// What the device says of itself: replies as structures of linux/vfio.h.

/// DEVICE_GET_INFO.
enum DeviceInformation {
    private static let reset: UInt32 = 1 << 0
    private static let pci: UInt32 = 1 << 1

    static var payload: [UInt8] {
        var writer = WireWriter()
        for field in [16, reset | pci, UInt32(RegionIndex.count), UInt32(InterruptIndex.count)] as [UInt32] {
            writer.put(field)
        }
        return writer.bytes
    }
}

/// The regions of a PCI device: six BARs, the expansion ROM, configuration space, VGA (linux/vfio.h).
enum RegionIndex {
    static let bars = 0..<6
    static let configuration = 7
    static let count = 9
}

/// The kinds of interrupts of a PCI device: INTx, MSI, MSI-X, errors, requests (linux/vfio.h).
enum InterruptIndex {
    static let messageSignalledExtended: UInt32 = 2
    static let count = 5
}

/// DEVICE_GET_REGION_INFO.
struct RegionInformation: Equatable {
    /// Of the fixed part.
    static let byteCount: UInt32 = 32

    private static let readable: UInt32 = 1 << 0
    private static let writable: UInt32 = 1 << 1
    private static let mappable: UInt32 = 1 << 2
    private static let hasCapabilities: UInt32 = 1 << 3

    let index: UInt32
    /// In bytes; 0 for a region that the device does not have.
    var size: UInt64 = 0
    var isWritable = true
    /// The part that the client may map, from the region's start on, in bytes; 0 for none.
    var mappableByteCount: UInt64 = 0
    /// Where that part begins in the file that goes with the reply, in bytes.
    var fileOffset: UInt64 = 0

    /// The whole, capabilities included.
    var payload: [UInt8] {
        var writer = WireWriter()
        let isMappable = mappableByteCount > 0
        let capability = isMappable ? sparseMappingCapability : []
        writer.put(Self.byteCount + UInt32(capability.count))
        writer.put(flags)
        writer.put(index)
        writer.put(isMappable ? Self.byteCount : 0)
        writer.put(size)
        writer.put(fileOffset)
        writer.put(capability)
        return writer.bytes
    }

    private var flags: UInt32 {
        guard size > 0 else { return 0 }
        return Self.readable | (isWritable ? Self.writable : 0)
            | (mappableByteCount > 0 ? Self.mappable | Self.hasCapabilities : 0)
    }

    /// One area: what of the region is file ("VFIO region info cap sparse mmap").
    private var sparseMappingCapability: [UInt8] {
        var writer = WireWriter()
        // VFIO_REGION_INFO_CAP_SPARSE_MMAP, version 1, no capability behind it.
        for field in [1, 1] as [UInt16] { writer.put(field) }
        writer.put(UInt32(0))
        for field in [1, 0] as [UInt32] { writer.put(field) }
        for field in [0, mappableByteCount] { writer.put(field) }
        return writer.bytes
    }
}

/// DEVICE_GET_IRQ_INFO.
struct InterruptInformation {
    /// VFIO_IRQ_INFO_EVENTFD.
    private static let eventFD: UInt32 = 1 << 0

    let index: UInt32
    let vectorCount: Int

    var payload: [UInt8] {
        var writer = WireWriter()
        for field in [16, vectorCount > 0 ? Self.eventFD : 0, index, UInt32(clamping: vectorCount)] as [UInt32] {
            writer.put(field)
        }
        return writer.bytes
    }
}

/// DEVICE_GET_REGION_IO_FDS: doorbells that a kernel can ring without the client.
enum RegionDescriptors {
    /// The fixed part, and each entry, in bytes.
    static let byteCount = 16
    static let entryByteCount = 40

    /// - Parameter doorbells: offset and width of each; its descriptor has the same place in the message.
    static func payload(index: UInt32, doorbells: [(offset: UInt64, byteCount: UInt64)], capacity: UInt32) -> [UInt8] {
        var writer = WireWriter()
        let whole = byteCount + doorbells.count * entryByteCount
        let fits = UInt64(capacity) >= UInt64(whole)
        for field in [UInt32(whole), 0, index, UInt32(doorbells.count)] as [UInt32] { writer.put(field) }
        for (position, doorbell) in doorbells.enumerated() where fits {
            writer.put(doorbell.offset)
            writer.put(doorbell.byteCount)
            // VFIO_USER_IO_FD_TYPE_IOEVENTFD is 0; no flags, padding.
            for field in [UInt32(position), 0, 0, 0] as [UInt32] { writer.put(field) }
            writer.put(UInt64(0))
        }
        return writer.bytes
    }
}
