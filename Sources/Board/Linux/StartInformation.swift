import GuestMemory

/// PVH's start information (Xen, public/arch-x86/hvm/start_info.h, version 1) with the lists that it points to, as one
/// piece of memory.
struct StartInformation {
    private static let magic: UInt32 = 0x336E_C578
    private static let headByteCount: UInt64 = 56
    private static let moduleByteCount: UInt64 = 32

    let address: GuestAddress
    var commandLine: GuestAddress?
    /// The initial RAM disk.
    var module: GuestRange?
    var rsdp: GuestAddress
    var memoryMap: [FirmwareMemoryEntry]

    var bytes: [UInt8] {
        let modules = address.rawValue &+ Self.headByteCount
        let entries = modules &+ (module == nil ? 0 : Self.moduleByteCount)
        var bytes: [UInt8] = []
        bytes.append(littleEndian: Self.magic)
        bytes.append(littleEndian: UInt32(1))  // version
        bytes.append(littleEndian: UInt32(0))  // flags: neither privileged nor the initial domain
        bytes.append(littleEndian: UInt32(module == nil ? 0 : 1))
        bytes.append(littleEndian: module == nil ? 0 : modules)
        bytes.append(littleEndian: commandLine?.rawValue ?? 0)
        bytes.append(littleEndian: rsdp.rawValue)
        bytes.append(littleEndian: entries)
        bytes.append(littleEndian: UInt32(truncatingIfNeeded: memoryMap.count))
        bytes.append(littleEndian: UInt32(0))
        if let module { appendModule(module, to: &bytes) }
        for entry in memoryMap { append(entry, to: &bytes) }
        return bytes
    }

    private func appendModule(_ module: GuestRange, to bytes: inout [UInt8]) {
        bytes.append(littleEndian: module.start.rawValue)
        bytes.append(littleEndian: module.byteCount)
        bytes.append(littleEndian: UInt64(0))  // no command line of its own
        bytes.append(littleEndian: UInt64(0))
    }

    private func append(_ entry: FirmwareMemoryEntry, to bytes: inout [UInt8]) {
        bytes.append(littleEndian: entry.range.start.rawValue)
        bytes.append(littleEndian: entry.range.byteCount)
        bytes.append(littleEndian: entry.kind.rawValue)
        bytes.append(littleEndian: UInt32(0))
    }
}
