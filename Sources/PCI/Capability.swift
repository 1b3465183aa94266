/// An entry of a function's capability list.
public struct Capability: Sendable {
    /// The capability's number, such as 0x09 for a vendor-specific one.
    public let identifier: UInt8
    /// What follows the identifier and the pointer to the next entry.
    public let body: [UInt8]
    /// What answers in place of `body` from `liveOffset` bytes into the capability (a multiple of 4) to its end.
    public let live: (any RegisterBlock)?
    public let liveOffset: Int

    /// A capability that only says something.
    public init(identifier: UInt8, body: [UInt8]) {
        self.init(identifier: identifier, body: body, live: nil, liveOffset: 0)
    }

    /// A capability whose registers do something; accesses to `live` lie in one aligned 4-byte register each.
    public init(identifier: UInt8, body: [UInt8], live: (any RegisterBlock)?, liveOffset: Int) {
        self.identifier = identifier
        self.body = body
        self.live = live
        self.liveOffset = liveOffset
    }

    /// The number of the vendor-specific capability (PCI 3.0, appendix H).
    public static let vendorSpecific: UInt8 = 0x09
    /// The number of the MSI-X capability.
    static let messageSignalledInterrupts: UInt8 = 0x11
}

/// Where a function's MSI-X structures lie.
public struct MessageSignalledInterruptsPlacement: Sendable {
    public let interrupts: MessageSignalledInterrupts
    /// The index of the BAR that holds both structures.
    public let bar: Int
    /// Offsets in that BAR, in bytes, multiples of 8.
    public let tableOffset: UInt32
    public let pendingBitsOffset: UInt32

    public init(interrupts: MessageSignalledInterrupts, bar: Int, tableOffset: UInt32, pendingBitsOffset: UInt32) {
        self.interrupts = interrupts
        self.bar = bar
        self.tableOffset = tableOffset
        self.pendingBitsOffset = pendingBitsOffset
    }

    /// Message control, table offset and pending bits offset (PCI 3.0, section 6.8.2).
    var body: [UInt8] {
        let control = UInt16(interrupts.vectorCount - 1)
        let indicator = UInt32(truncatingIfNeeded: bar & 7)
        return littleEndianBytes(control)
            + littleEndianBytes(tableOffset & ~7 | indicator)
            + littleEndianBytes(pendingBitsOffset & ~7 | indicator)
    }

    /// Software turns MSI-X on (bit 15) and masks the function (bit 14); the rest is read-only.
    static let writable: [UInt8] = [0x00, 0xc0]
    static let enableBit: UInt64 = 1 << 15
    static let maskBit: UInt64 = 1 << 14
}

func littleEndianBytes<Value: FixedWidthInteger>(_ value: Value) -> [UInt8] {
    (0..<Value.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
}
