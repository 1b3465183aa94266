import GuestMemory

/// The header of a bzImage (Documentation/arch/x86/boot.rst in Linux, "The Real-Mode Kernel Header").
struct BzImage {
    /// The header's fields as the file has them: from 0x1F1 to the end that the jump instruction tells.
    let header: [UInt8]
    /// Where the protected-mode kernel starts in the file, and its size, in bytes.
    let payloadOffset: UInt64
    let payloadByteCount: UInt64
    /// Where the kernel wants to lie, and how much it needs there to unpack itself, in bytes.
    let loadAddress: UInt64
    let initByteCount: UInt64
    /// The last address that an initial RAM disk may use.
    let initrdLimit: UInt64
    /// The longest command line, in bytes without its NUL.
    let commandLineLimit: Int

    /// Where the header starts, in the file and in the boot parameters alike.
    static let headerOffset = 0x1F1
    /// How far into the file the header can reach: the two-byte jump at 0x200 passes over at most 127 bytes.
    private static let longestHead = 0x202 + 0x7F
    /// The 64-bit entry point, counted from where the kernel lies.
    private static let entryOffset: UInt64 = 0x200

    var entry: UInt64 { loadAddress &+ Self.entryOffset }

    /// Whether the head of a file bears the header's magic.
    static func recognises(_ head: [UInt8]) -> Bool {
        head.integer(UInt16.self, at: 0x1FE) == 0xAA55 && head.slice(at: 0x202, count: 4) == Array("HdrS".utf8)
    }

    /// - Parameters:
    ///   - head: the start of the file, a page or all of it.
    ///   - fileByteCount: the size of the whole file.
    init(head: [UInt8], fileByteCount: UInt64) throws(BootError) {
        try Self.checkProtocol(head)
        let headerEnd = 0x202 + Int(head.integer(UInt8.self, at: 0x201) ?? 0)
        guard headerEnd >= 0x264, headerEnd <= Self.longestHead else {
            throw .malformed("its header ends at 0x\(hex(UInt64(headerEnd)))")
        }
        guard let header = head.slice(at: Self.headerOffset, count: headerEnd - Self.headerOffset) else {
            throw .truncated(part: "its header", needs: UInt64(headerEnd), has: fileByteCount)
        }
        self.header = header
        let setupSectors = head.integer(UInt8.self, at: 0x1F1) ?? 0
        payloadOffset = (UInt64(setupSectors == 0 ? 4 : setupSectors) + 1) * 512
        payloadByteCount = UInt64(head.integer(UInt32.self, at: 0x1F4) ?? 0) * 16
        initrdLimit = UInt64(head.integer(UInt32.self, at: 0x22C) ?? 0)
        commandLineLimit = Int(head.integer(UInt32.self, at: 0x238) ?? 0)
        loadAddress = head.integer(UInt64.self, at: 0x258) ?? 0
        initByteCount = max(UInt64(head.integer(UInt32.self, at: 0x260) ?? 0), payloadByteCount)
        try checkSize(fileByteCount)
    }

    private static func checkProtocol(_ head: [UInt8]) throws(BootError) {
        guard let version = head.integer(UInt16.self, at: 0x206), let loadFlags = head.integer(UInt8.self, at: 0x211)
        else {
            throw .truncated(part: "its header", needs: 0x264, has: UInt64(head.count))
        }
        // 2.12 has xloadflags, which tell whether there is a 64-bit entry.
        guard version >= 0x020C else {
            throw .unsuitable(.oldProtocol(major: UInt8(version >> 8), minor: UInt8(version & 0xFF)))
        }
        guard loadFlags & 1 != 0 else { throw .unsuitable(.lowLoading) }
        guard let extended = head.integer(UInt16.self, at: 0x236), extended & 1 != 0 else {
            throw .unsuitable(.not64Bit)
        }
    }

    private func checkSize(_ fileByteCount: UInt64) throws(BootError) {
        guard payloadByteCount > Self.entryOffset else {
            throw .malformed("its header announces a kernel of \(payloadByteCount) bytes")
        }
        let needed = payloadOffset + payloadByteCount
        guard fileByteCount >= needed else {
            throw .truncated(part: "what its header announces", needs: needed, has: fileByteCount)
        }
    }
}

extension BzImage {
    /// The kernel's place, checked against RAM.
    func place(in board: BoardLayout) throws(BootError) -> GuestRange {
        guard loadAddress >= LowMemory.end, let range = BoardLayout.range(loadAddress, initByteCount),
            range.last <= board.lowRAM.last
        else {
            throw .outsideRAM(
                part: "the kernel, unpacking itself,", start: loadAddress, byteCount: initByteCount,
                ramByteCount: board.ramByteCount)
        }
        return range
    }
}
