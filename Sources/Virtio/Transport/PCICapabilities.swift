import PCI

/// The capabilities that tell a driver where a virtio device's structures lie (virtio 1.3, section 4.1.4).
enum PCICapability {
    /// cfg_type: what the structure is.
    enum Kind: UInt8 {
        case common = 1
        case notification = 2
        case interruptStatus = 3
        case device = 4
        case configurationAccess = 5
        case sharedMemory = 8
    }

    /// Where a structure lies: the BAR's index, and offset and size in bytes.
    struct Place: Equatable {
        let bar: Int
        let offset: UInt64
        let byteCount: UInt64
    }

    /// The capability of one structure.
    ///
    /// - Parameter extra: what the kind adds behind `struct virtio_pci_cap`.
    static func structure(_ kind: Kind, at place: Place, identifier: UInt8 = 0, extra: [UInt8] = []) -> Capability {
        Capability(
            identifier: Capability.vendorSpecific, body: body(kind, at: place, identifier: identifier, extra: extra))
    }

    /// The way to the BARs through configuration space (section 4.1.4.9).
    static func configurationAccess(_ block: PCIConfigurationAccess) -> Capability {
        let body = body(
            .configurationAccess, at: Place(bar: 0, offset: 0, byteCount: 0), identifier: 0, extra: littleEndian32(0))
        return Capability(identifier: Capability.vendorSpecific, body: body, live: block, liveOffset: 4)
    }

    /// A shared memory region; it takes the longer `struct virtio_pci_cap64` (section 4.1.4.7).
    static func sharedMemory(_ region: PCITransport.SharedMemory, identifier: UInt8) -> Capability {
        let place = Place(bar: region.bar.index, offset: region.offset, byteCount: region.byteCount)
        return structure(
            .sharedMemory, at: place, identifier: identifier,
            extra: littleEndian32(place.offset >> 32) + littleEndian32(place.byteCount >> 32))
    }

    /// What follows the identifier and the pointer to the next capability.
    private static func body(_ kind: Kind, at place: Place, identifier: UInt8, extra: [UInt8]) -> [UInt8] {
        let length = UInt8(truncatingIfNeeded: 16 + extra.count)
        return [length, kind.rawValue, UInt8(truncatingIfNeeded: place.bar), identifier, 0, 0]
            + littleEndian32(place.offset) + littleEndian32(place.byteCount) + extra
    }

    /// The low 4 bytes of a value.
    static func littleEndian32(_ value: UInt64) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: value >> (UInt64($0) * 8)) }
    }
}
