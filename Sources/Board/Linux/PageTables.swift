import GuestMemory

/// Page tables that map the first 4 GiB to themselves (Intel SDM, volume 3, section 4.5), with pages of 2 MiB since
/// not every processor has larger ones. The 64-bit boot protocol asks for the kernel, the boot parameters and the
/// command line.
enum PageTables {
    private static let presentWritable: UInt64 = 0b11
    private static let largePage: UInt64 = 1 << 7
    private static let directoryCount: UInt64 = 4

    /// The top table, the table below it and four directories, one page each, that lie from `base` on.
    static func identity(at base: GuestAddress) -> [UInt8] {
        let table = base.rawValue &+ 0x1000
        var bytes = page([table | presentWritable])
        bytes += page((0..<directoryCount).map { (table &+ 0x1000 &* ($0 &+ 1)) | presentWritable })
        for directory in 0..<directoryCount {
            bytes += page((0..<512).map { (directory << 30 | $0 << 21) | presentWritable | largePage })
        }
        return bytes
    }

    private static func page(_ entries: [UInt64]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(0x1000)
        for entry in entries { bytes.append(littleEndian: entry) }
        bytes += [UInt8](repeating: 0, count: 0x1000 - bytes.count)
        return bytes
    }
}
