/// The registers of the first processor at the first instruction of the guest. What is not here is 0, or as after a
/// processor's reset.
public struct InitialProcessorState: Equatable, Sendable {
    public enum Mode: Sendable {
        /// Long mode with paging, every low address mapped to itself (Linux' 64-bit boot protocol).
        case long64
        /// Protected mode without paging (PVH).
        case protected32
    }

    /// A segment register with its hidden part (Intel SDM, volume 3, section 3.4.5).
    public struct Segment: Equatable, Sendable {
        public let selector: UInt16
        public let base: UInt64
        /// The last offset, in bytes.
        public let limit: UInt32
        /// The type field: 0xB code, 0x3 data, 0xB busy task state.
        public let type: UInt8
        /// True for code and data, false for a task state.
        public let isCodeOrData: Bool
        /// Default operand size of 32 bits.
        public let is32Bit: Bool
        /// 64-bit code.
        public let is64Bit: Bool
        /// The limit counts pages.
        public let hasPageGranularity: Bool
    }

    public let mode: Mode
    public let rip: UInt64
    /// PVH: the address of the start information.
    public let rbx: UInt64
    /// Linux' 64-bit protocol: the address of the boot parameters.
    public let rsi: UInt64
    public let rsp: UInt64
    /// Interrupts are off.
    public let rflags: UInt64
    public let cr0: UInt64
    public let cr3: UInt64
    public let cr4: UInt64
    public let efer: UInt64
    public let code: Segment
    /// For DS, ES, FS, GS and SS.
    public let data: Segment
    public let task: Segment
    /// The descriptor table, guest-physical; it holds the segments above.
    public let descriptorTableBase: UInt64
    /// Its last byte's offset.
    public let descriptorTableLimit: UInt16
}

extension InitialProcessorState {
    /// Control register bits (Intel SDM, volume 3, section 2.5).
    enum Bits {
        static let protectionEnable: UInt64 = 1 << 0
        static let extensionType: UInt64 = 1 << 4
        static let paging: UInt64 = 1 << 31
        static let physicalAddressExtension: UInt64 = 1 << 5
        static let longModeEnable: UInt64 = 1 << 8
        static let longModeActive: UInt64 = 1 << 10
        static let reservedFlag: UInt64 = 1 << 1
    }

    /// State for Linux' 64-bit entry (Documentation/arch/x86/boot.rst, "64-bit Boot Protocol").
    static func long64(entry: UInt64) -> InitialProcessorState {
        InitialProcessorState(
            mode: .long64, rip: entry, rbx: 0, rsi: LowMemory.bootParameters.rawValue,
            rsp: LowMemory.stackTop.rawValue, rflags: Bits.reservedFlag,
            cr0: Bits.protectionEnable | Bits.extensionType | Bits.paging,
            cr3: LowMemory.pageTables.rawValue, cr4: Bits.physicalAddressExtension,
            efer: Bits.longModeEnable | Bits.longModeActive,
            code: .code(is64Bit: true), data: .data, task: .task,
            descriptorTableBase: LowMemory.descriptorTable.rawValue, descriptorTableLimit: DescriptorTable.limit)
    }

    /// State for a PVH entry (Xen, docs/misc/pvh.pandoc): flat 32-bit segments, EBX points to the start information.
    static func protected32(entry: UInt64) -> InitialProcessorState {
        InitialProcessorState(
            mode: .protected32, rip: entry, rbx: LowMemory.startInformation.rawValue, rsi: 0,
            rsp: LowMemory.stackTop.rawValue, rflags: Bits.reservedFlag,
            cr0: Bits.protectionEnable | Bits.extensionType, cr3: 0, cr4: 0, efer: 0,
            code: .code(is64Bit: false), data: .data, task: .task,
            descriptorTableBase: LowMemory.descriptorTable.rawValue, descriptorTableLimit: DescriptorTable.limit)
    }
}

extension InitialProcessorState.Segment {
    /// Selector 0x10, as Linux' boot protocol wants it (`__BOOT_CS`).
    static func code(is64Bit: Bool) -> Self {
        Self(
            selector: 0x10, base: 0, limit: .max, type: 0xB, isCodeOrData: true, is32Bit: !is64Bit, is64Bit: is64Bit,
            hasPageGranularity: true)
    }

    /// Selector 0x18, as Linux' boot protocol wants it (`__BOOT_DS`).
    static let data = Self(
        selector: 0x18, base: 0, limit: .max, type: 0x3, isCodeOrData: true, is32Bit: true, is64Bit: false,
        hasPageGranularity: true)

    /// A task state of 32 bits with the smallest limit; only its validity counts.
    static let task = Self(
        selector: 0x20, base: 0, limit: 0x67, type: 0xB, isCodeOrData: false, is32Bit: false, is64Bit: false,
        hasPageGranularity: false)

    /// The segment as a descriptor table holds it (Intel SDM, volume 3, figure 3-8).
    var descriptor: UInt64 {
        let limit = UInt64(hasPageGranularity ? self.limit >> 12 : self.limit)
        let flags: UInt64 = (is64Bit ? 2 : 0) | (is32Bit ? 4 : 0) | (hasPageGranularity ? 8 : 0)
        let access: UInt64 = 0x80 | (isCodeOrData ? 0x10 : 0) | UInt64(type & 0xF)
        return (limit & 0xFFFF) | (base & 0xFF_FFFF) << 16 | access << 40 | (limit >> 16 & 0xF) << 48 | flags << 52
            | (base >> 24 & 0xFF) << 56
    }
}

/// The global descriptor table of the first instruction.
enum DescriptorTable {
    /// Two empty ones, code, data, and the task state with the upper half that it has in long mode.
    private static let count = 6

    static let limit = UInt16(count * 8 - 1)

    static func bytes(code: InitialProcessorState.Segment) -> [UInt8] {
        var bytes: [UInt8] = []
        let entries: [UInt64] = [
            0, 0, code.descriptor, InitialProcessorState.Segment.data.descriptor,
            InitialProcessorState.Segment.task.descriptor, 0,
        ]
        for entry in entries { bytes.append(littleEndian: entry) }
        return bytes
    }
}
