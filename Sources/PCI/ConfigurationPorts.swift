import Synchronization

/// Configuration mechanism #1: the I/O ports 0xcf8 to 0xcff (PCI 3.0, section 3.2.2.3.2).
public final class ConfigurationPorts: RegisterBlock {
    /// The first port.
    public static let firstPort: UInt16 = 0xcf8
    /// The number of ports.
    public static let byteCount = 8

    private let bus: Bus
    private let others: (any RegisterBlock)?
    private let address = Atomic<UInt32>(0)

    /// - Parameter others: answers accesses of 1 and 2 bytes to the first four ports, which are not the address
    ///   register; on many boards port 0xcf9 (offset 1) resets the machine.
    public init(bus: Bus, others: (any RegisterBlock)? = nil) {
        self.bus = bus
        self.others = others
    }

    public func load(at offset: UInt64, byteCount: Int) -> UInt64 {
        if offset == 0, byteCount == 4 { return UInt64(address.load(ordering: .relaxed)) }
        if offset < 4 { return others?.load(at: offset, byteCount: byteCount) ?? allOnes(byteCount: byteCount) }
        guard let target = target(at: offset, byteCount: byteCount) else { return allOnes(byteCount: byteCount) }
        return bus.load(
            slot: target.slot, function: target.function, register: target.register, byteCount: byteCount)
    }

    public func store(_ value: UInt64, at offset: UInt64, byteCount: Int) {
        if offset == 0, byteCount == 4 {
            // The lowest two bits and the reserved ones read as zero.
            return address.store(UInt32(truncatingIfNeeded: value) & 0x80ff_fffc, ordering: .relaxed)
        }
        if offset < 4 {
            others?.store(value, at: offset, byteCount: byteCount)
            return
        }
        guard let target = target(at: offset, byteCount: byteCount) else { return }
        bus.store(
            value, slot: target.slot, function: target.function, register: target.register, byteCount: byteCount)
    }

    /// What the address register selects; nil when it is disabled, for another bus, and for an access that leaves the
    /// data register.
    private func target(at offset: UInt64, byteCount: Int) -> (slot: Int, function: Int, register: UInt64)? {
        let selected = address.load(ordering: .relaxed)
        let isEnabled = selected & 0x8000_0000 != 0
        let busNumber = selected >> 16 & 0xff
        guard isEnabled, busNumber == 0, offset >= 4, offset < 8, (1...4).contains(byteCount),
            offset + UInt64(byteCount) <= 8
        else { return nil }
        return (Int(selected >> 11 & 31), Int(selected >> 8 & 7), UInt64(selected & 0xfc) + (offset - 4))
    }
}

/// The memory-mapped configuration space: 4096 bytes for every function (PCI Express 3.0, section 7.2.2).
public final class EnhancedConfigurationAccess: RegisterBlock {
    /// What bus 0 takes, in bytes; the window may be larger, and answers all ones there.
    public static let byteCountPerBus: UInt64 = 1 << 20

    private let bus: Bus

    public init(bus: Bus) {
        self.bus = bus
    }

    public func load(at offset: UInt64, byteCount: Int) -> UInt64 {
        guard let place = place(of: offset, byteCount: byteCount) else { return allOnes(byteCount: byteCount) }
        return bus.load(slot: place.slot, function: place.function, register: place.register, byteCount: byteCount)
    }

    public func store(_ value: UInt64, at offset: UInt64, byteCount: Int) {
        guard let place = place(of: offset, byteCount: byteCount) else { return }
        bus.store(value, slot: place.slot, function: place.function, register: place.register, byteCount: byteCount)
    }

    /// nil outside bus 0, and for an access that leaves a function's 4096 bytes.
    private func place(of offset: UInt64, byteCount: Int) -> (slot: Int, function: Int, register: UInt64)? {
        let register = offset & 0xfff
        guard offset < Self.byteCountPerBus, (1...8).contains(byteCount), register + UInt64(byteCount) <= 0x1000 else {
            return nil
        }
        return (Int(offset >> 15 & 31), Int(offset >> 12 & 7), register)
    }
}
