import GuestMemory

/// Where things lie in the guest-physical address space. A value: RAM's size and the address width decide everything.
///
///     0x0000_0000  RAM, up to 3 GiB; the first MiB as on every PC (see `LowMemory`)
///     0xC000_0000  32-bit PCI window (BARs)
///     0xE000_0000  PCI configuration space (ECAM), bus 0
///     0xFEB0_0000  the board's own registers: events, hot-plug
///     0xFEC0_0000  I/O APIC
///     0xFEE0_0000  local APICs
///     0xFFFB_C000  pages that KVM needs on Intel hosts
///     4 GiB        the RAM that did not fit below 3 GiB
///     above RAM    device memory (persistent memory), bottom-up, from a multiple of 1 GiB on
///     last quarter 64-bit PCI window
public struct BoardLayout: Sendable, Equatable {
    /// The size of RAM, in bytes.
    public let ramByteCount: UInt64
    /// How many bits a guest-physical address has (CPUID leaf 0x8000_0008).
    public let physicalAddressBits: Int
    /// RAM from address 0 on.
    public let lowRAM: GuestRange
    /// RAM from 4 GiB on, if there is that much.
    public let highRAM: GuestRange?
    /// Where device memory without a requested address is placed; nil if RAM fills the address space.
    public let deviceMemoryWindow: GuestRange?
    /// Where 64-bit BARs are placed; nil if RAM reaches into it.
    public let pciWindow64: GuestRange?
}

/// Why there is no layout.
public enum LayoutError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Fewer bytes than the first MiB and a little program need.
    case ramTooSmall(byteCount: UInt64)
    /// RAM is no multiple of 4 KiB.
    case ramNotWholePages(byteCount: UInt64)
    /// RAM does not fit into the address space.
    case ramTooLarge(byteCount: UInt64, physicalAddressBits: Int)
    /// The address width is none that an x86-64 processor has.
    case addressWidth(Int)

    public var description: String {
        switch self {
        case .ramTooSmall(let byteCount): "\(byteCount) bytes of RAM are too few: give at least 2 MiB (-m 2M)"
        case .ramNotWholePages(let byteCount): "\(byteCount) bytes of RAM are no multiple of 4 KiB: round the size (-m)"
        case .ramTooLarge(let byteCount, let bits):
            "\(byteCount) bytes of RAM do not fit into a physical address space of \(bits) bits: give less (-m)"
        case .addressWidth(let bits): "a physical address space of \(bits) bits is not supported (36 to 52 are)"
        }
    }
}

// MARK: - Fixed places

extension BoardLayout {
    /// Low RAM ends here at the latest: above are the 32-bit windows.
    public static let lowRAMLimit: UInt64 = 0xC000_0000
    /// The first address that 32 bits cannot express.
    public static let fourGiB: UInt64 = 0x1_0000_0000
    /// Where 32-bit BARs are placed.
    public static let pciWindow32 = fixed(0xC000_0000, 0x2000_0000)
    /// PCI configuration space: 1 MiB for the one bus that there is (PCI Express 6.0, section 7.2.2). What MCFG says.
    public static let configurationSpace = fixed(0xE000_0000, 0x10_0000)
    /// The last bus number in `configurationSpace`.
    public static let lastBus: UInt8 = 0
    /// The page of `EventRegisters`.
    public static let eventRegisters = fixed(0xFEB0_0000, 0x1000)
    /// The page of the PCI slots' hot-plug registers.
    public static let hotPlugRegisters = fixed(0xFEB0_1000, 0x1000)
    /// The board's registers together, with space for more.
    public static let boardRegisters = fixed(0xFEB0_0000, 0x1_0000)
    public static let ioAPIC = fixed(0xFEC0_0000, 0x1000)
    public static let localAPIC = fixed(0xFEE0_0000, 0x10_0000)
    /// `KVM_SET_IDENTITY_MAP_ADDR`: one page, below the three of the TSS.
    public static let kvmIdentityMap = fixed(0xFFFB_C000, 0x1000)
    /// `KVM_SET_TSS_ADDR`: three pages.
    public static let kvmTaskState = fixed(0xFFFB_D000, 0x3000)

    /// Interrupt lines of the I/O APIC (global system interrupts).
    public enum Interrupt {
        /// The first serial port: ISA interrupt 4, edge triggered.
        public static let serialPort: UInt32 = 4
        /// `EventRegisters`. Above 15, so that it is no ISA interrupt and reaches the I/O APIC alone.
        public static let events: UInt32 = 17
        /// How many lines the I/O APIC has.
        public static let count: UInt32 = 24
    }

    /// Input/output ports.
    public enum Port {
        /// Reset by way of the keyboard controller: `KeyboardController`, ports 0x60 to 0x64.
        public static let keyboardController: ClosedRange<UInt16> = 0x60...0x64
        /// The first serial port.
        public static let serialPort: ClosedRange<UInt16> = 0x3F8...0x3FF
        /// `PowerRegisters`.
        public static let power: ClosedRange<UInt16> = 0x600...0x60F
        /// `ResetControl`; a byte's access only, since a wider one at 0xCF8 is PCI's address register.
        public static let resetControl: ClosedRange<UInt16> = 0xCF9...0xCF9
    }

    /// The board's own addresses below 4 GiB, where nothing else may lie.
    static let reservedRanges = [
        pciWindow32, configurationSpace, boardRegisters, ioAPIC, localAPIC, kvmIdentityMap, kvmTaskState,
    ]

    private static func fixed(_ start: UInt64, _ byteCount: UInt64) -> GuestRange {
        guard let range = range(start, byteCount) else { fatalError("a constant of the layout is no range") }
        return range
    }

    static func range(_ start: UInt64, _ byteCount: UInt64) -> GuestRange? {
        GuestRange(start: GuestAddress(start), byteCount: byteCount)
    }
}

// MARK: - What depends on RAM's size

extension BoardLayout {
    private static let oneGiB: UInt64 = 1 << 30
    /// A Linux guest with a randomised memory map maps physical addresses up to its RAM and 10 TiB more, no further, so
    /// memory and DAX windows stay below this although the processor might address more.
    private static let placementLimit: UInt64 = 8 << 40

    /// - Parameters:
    ///   - ramByteCount: a multiple of 4 KiB, 2 MiB or more.
    ///   - physicalAddressBits: what the guest's CPUID will say.
    public init(ramByteCount: UInt64, physicalAddressBits: Int) throws(LayoutError) {
        guard (36...52).contains(physicalAddressBits) else { throw .addressWidth(physicalAddressBits) }
        guard ramByteCount % 4096 == 0 else { throw .ramNotWholePages(byteCount: ramByteCount) }
        let lowByteCount = min(ramByteCount, Self.lowRAMLimit)
        guard ramByteCount >= 2 << 20, let lowRAM = Self.range(0, lowByteCount) else {
            throw .ramTooSmall(byteCount: ramByteCount)
        }
        let space: UInt64 = 1 << UInt64(physicalAddressBits)
        let highByteCount = ramByteCount - lowByteCount
        guard highByteCount <= space - Self.fourGiB else {
            throw .ramTooLarge(byteCount: ramByteCount, physicalAddressBits: physicalAddressBits)
        }
        let (ramEnd, limit) = (Self.fourGiB + highByteCount, min(space, Self.placementLimit))
        let (deviceStart, windowStart) = ((ramEnd + Self.oneGiB - 1) & ~(Self.oneGiB - 1), limit / 4 * 3)
        self.ramByteCount = ramByteCount
        self.physicalAddressBits = physicalAddressBits
        self.lowRAM = lowRAM
        highRAM = Self.range(Self.fourGiB, highByteCount)
        deviceMemoryWindow = deviceStart < windowStart ? Self.range(deviceStart, windowStart - deviceStart) : nil
        pciWindow64 = ramEnd <= windowStart ? Self.range(windowStart, limit - windowStart) : nil
    }

    /// Every range of RAM.
    public var ramRanges: [GuestRange] { [lowRAM] + (highRAM.map { [$0] } ?? []) }

    /// The last address that the processor can express.
    public var lastAddress: GuestAddress { GuestAddress((1 << UInt64(physicalAddressBits)) - 1) }
}
