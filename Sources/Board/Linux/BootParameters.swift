import GuestMemory

/// Linux' boot parameters, the "zero page" (Documentation/arch/x86/zero-page.rst).
struct BootParameters {
    private(set) var bytes = [UInt8](repeating: 0, count: 0x1000)

    /// - Parameter header: the kernel's own header, from 0x1F1 on.
    init(header: [UInt8]) {
        bytes.replace(at: BzImage.headerOffset, with: header)
        bytes.replace(at: 0x210, with: UInt8(0xFF))  // type_of_loader: one without a number of its own
        bytes.replace(at: 0x226, with: UInt8(0))  // ext_loader_ver
        bytes.replace(at: 0x227, with: UInt8(0))  // ext_loader_type
    }

    /// acpi_rsdp_addr, since protocol 2.14; older kernels leave it alone and scan.
    mutating func setRSDP(_ address: GuestAddress) {
        bytes.replace(at: 0x70, with: address.rawValue)
    }

    mutating func setCommandLine(_ address: GuestAddress) {
        bytes.replace(at: 0x228, with: UInt32(truncatingIfNeeded: address.rawValue))
        bytes.replace(at: 0xC8, with: UInt32(truncatingIfNeeded: address.rawValue >> 32))
    }

    mutating func setInitrd(_ address: GuestAddress, byteCount: UInt64) {
        bytes.replace(at: 0x218, with: UInt32(truncatingIfNeeded: address.rawValue))
        bytes.replace(at: 0x21C, with: UInt32(truncatingIfNeeded: byteCount))
        bytes.replace(at: 0xC0, with: UInt32(truncatingIfNeeded: address.rawValue >> 32))
        bytes.replace(at: 0xC4, with: UInt32(truncatingIfNeeded: byteCount >> 32))
    }

    /// The E820 table: 20 bytes an entry, at most 128 of them.
    mutating func setMemoryMap(_ entries: [FirmwareMemoryEntry]) {
        var table: [UInt8] = []
        for entry in entries.prefix(128) {
            table.append(littleEndian: entry.range.start.rawValue)
            table.append(littleEndian: entry.range.byteCount)
            table.append(littleEndian: entry.kind.rawValue)
        }
        bytes.replace(at: 0x1E8, with: UInt8(truncatingIfNeeded: min(entries.count, 128)))
        bytes.replace(at: 0x2D0, with: table)
    }
}
