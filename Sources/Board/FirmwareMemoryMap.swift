import GuestMemory

/// One entry of the memory map that firmware hands to a guest (the E820 table; PVH uses the same types).
public struct FirmwareMemoryEntry: Equatable, Sendable {
    /// What a guest may do with the range (ACPI 6.5, section 15, table 15.6).
    public enum Kind: UInt32, Sendable {
        case ram = 1
        case reserved = 2
    }

    public let range: GuestRange
    public let kind: Kind
}

/// The first MiB: what the loader and the firmware tables put where. All of it lies in RAM.
public enum LowMemory {
    /// The descriptor table that the guest starts with.
    static let descriptorTable = GuestAddress(0x1000)
    /// PVH's start information, and the lists that it points to.
    static let startInformation = GuestAddress(0x6000)
    /// Linux' boot parameters, the "zero page": 4 KiB.
    static let bootParameters = GuestAddress(0x7000)
    /// A stack for the first instructions; grows down.
    static let stackTop = GuestAddress(0x8FF0)
    /// Page tables of the 64-bit start: six pages.
    static let pageTables = GuestAddress(0x9000)
    /// The command line, with its NUL, up to `firmwareStart`.
    static let commandLine = GuestAddress(0x2_0000)
    /// What a command line may take at most, NUL included, in bytes.
    static let commandLineByteCount: UInt64 = 0x1_0000
    /// The first address that a guest must leave alone (where a PC's extended BIOS data area is).
    static let firmwareStart: UInt64 = 0x9_FC00
    /// Where a guest without other hints scans for the RSDP: on 16 bytes, to the end of the first MiB
    /// (ACPI 6.5, section 5.2.5.1).
    static let acpiTables = GuestAddress(0xE_0000)
    /// How much there is for ACPI tables, in bytes; the last 16 bytes of the first MiB are `ResetVector`'s.
    static let acpiByteCount: UInt64 = 0x1_FFF0
    /// Kernels are loaded from here on.
    static let end: UInt64 = 0x10_0000
}

extension BoardLayout {
    /// The memory map for the guest, in order of address. Device memory is left out: its drivers announce it.
    public var firmwareMemoryMap: [FirmwareMemoryEntry] {
        let parts: [(UInt64, UInt64, FirmwareMemoryEntry.Kind)] = [
            (0, LowMemory.firmwareStart, .ram),
            (LowMemory.firmwareStart, LowMemory.end - LowMemory.firmwareStart, .reserved),
            (LowMemory.end, lowRAM.byteCount - LowMemory.end, .ram),
        ]
        var entries = parts.compactMap { start, byteCount, kind in
            Self.range(start, byteCount).map { FirmwareMemoryEntry(range: $0, kind: kind) }
        }
        for range in [Self.configurationSpace, Self.kvmIdentityMap, Self.kvmTaskState] {
            entries.append(FirmwareMemoryEntry(range: range, kind: .reserved))
        }
        if let highRAM { entries.append(FirmwareMemoryEntry(range: highRAM, kind: .ram)) }
        return entries
    }
}
