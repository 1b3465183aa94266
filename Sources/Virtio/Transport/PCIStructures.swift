import PCI

/// The interrupt status register (virtio 1.3, section 4.1.4.5): loading it sets it to 0.
///
/// It says what happened to a driver that uses no MSI-X. The function has no interrupt pin, so such a driver has to
/// poll.
final class PCIInterruptStatus: RegisterBlock {
    private let core: TransportCore

    init(core: TransportCore) {
        self.core = core
    }

    func load(at offset: UInt64, byteCount: Int) -> UInt64 {
        offset == 0 ? UInt64(core.takeInterruptStatus()) : 0
    }

    func store(_ value: UInt64, at offset: UInt64, byteCount: Int) {}
}

/// The device's own configuration (section 4.1.4.6).
final class PCIDeviceConfiguration: RegisterBlock {
    private let core: TransportCore

    init(core: TransportCore) {
        self.core = core
    }

    func load(at offset: UInt64, byteCount: Int) -> UInt64 {
        core.readConfiguration(at: offset, byteCount: byteCount)
    }

    func store(_ value: UInt64, at offset: UInt64, byteCount: Int) {
        core.writeConfiguration(value, at: offset, byteCount: byteCount)
    }
}

/// The doorbells (section 4.1.4.4): 4 bytes for each queue. What is stored does not matter; each has but one meaning.
///
/// This is the slow way, for a store that reached the monitor; KVM answers most of them by itself.
final class PCINotification: RegisterBlock {
    /// notify_off_multiplier: the distance between two doorbells in bytes.
    static let multiplier: UInt64 = 4

    private let core: TransportCore

    init(core: TransportCore) {
        self.core = core
    }

    func load(at offset: UInt64, byteCount: Int) -> UInt64 { 0 }

    func store(_ value: UInt64, at offset: UInt64, byteCount: Int) {
        guard offset % Self.multiplier == 0, let queue = UInt16(exactly: offset / Self.multiplier) else { return }
        core.notifyQueue(queue)
    }
}
