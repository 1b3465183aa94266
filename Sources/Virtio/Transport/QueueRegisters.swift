import GuestMemory

/// One of the three parts of a virtqueue (virtio 1.3, section 2.6).
public enum QueueArea: CaseIterable, Sendable {
    /// The descriptor table, or the packed descriptor ring.
    case descriptor
    /// The available ring, or the packed driver event suppression.
    case driver
    /// The used ring, or the packed device event suppression.
    case device

    /// What the part's address must be a multiple of, in bytes (sections 2.7 and 2.8.10.1).
    func alignment(packed: Bool) -> UInt64 {
        switch self {
        case .descriptor: 16
        case .driver: packed ? 4 : 2
        case .device: 4
        }
    }
}

/// What the driver wrote about one queue.
struct QueueRegisters {
    let maximumSize: UInt16
    var size: UInt16
    var vector = TransportCore.noVector
    var isEnabled = false
    var addresses: [QueueArea: UInt64] = [:]

    init(maximumSize: UInt16) {
        self.maximumSize = maximumSize
        size = maximumSize
    }

    /// Whether the device can work with this many descriptors: a power of two for a split ring (section 2.7), any
    /// number up to 32768 for a packed one (section 2.8.10.1).
    func accepts(size: UInt16, packed: Bool) -> Bool {
        guard size > 0, size <= maximumSize else { return false }
        return packed ? size <= 1 << 15 : size & (size &- 1) == 0
    }

    /// Whether all parts are aligned. Whether they lie in memory shows when they are used.
    func isWellFormed(packed: Bool) -> Bool {
        accepts(size: size, packed: packed)
            && QueueArea.allCases.allSatisfy { addresses[$0, default: 0] % $0.alignment(packed: packed) == 0 }
    }

    func activation(interrupt: any InterruptLine) -> QueueActivation {
        QueueActivation(
            size: size,
            descriptorArea: GuestAddress(addresses[.descriptor, default: 0]),
            driverArea: GuestAddress(addresses[.driver, default: 0]),
            deviceArea: GuestAddress(addresses[.device, default: 0]),
            interrupt: interrupt)
    }
}
