import GuestMemory

/// An ELF kernel with a PVH entry (System V ABI, "Object Files"; Xen, docs/misc/pvh.pandoc). Of 32 or of 64 bits.
struct ELFKernel {
    /// A part of the file that is loaded, in bytes.
    struct Segment: Equatable {
        let fileOffset: UInt64
        let fileByteCount: UInt64
        /// Where it goes: the physical address.
        let address: UInt64
        /// What it takes there; what the file does not fill is 0.
        let byteCount: UInt64
    }

    /// The 32-bit entry point, guest-physical.
    let entry: UInt64
    let segments: [Segment]

    static func recognises(_ head: [UInt8]) -> Bool {
        head.starts(with: [0x7F] + Array("ELF".utf8))
    }

    init(_ file: some BootFile, head: [UInt8]) throws(BootError) {
        let header = try ELFHeader(head, fileByteCount: file.byteCount)
        let table = try header.programHeaders(of: file)
        segments = table.filter { $0.kind == .load && $0.segment.byteCount > 0 }.map(\.segment)
        for segment in segments { try Self.check(segment, fileByteCount: file.byteCount) }
        guard !segments.isEmpty else { throw .malformed("it has no segment to load") }
        entry = try Self.findEntry(file, table)
        guard segments.contains(where: { [entry] in entry >= $0.address && entry - $0.address < $0.byteCount }) else {
            throw .entryOutsideSegments(entry)
        }
    }

    private static func check(_ segment: Segment, fileByteCount: UInt64) throws(BootError) {
        guard segment.fileByteCount <= segment.byteCount else {
            throw .malformed("a segment has more bytes in the file than in memory")
        }
        let (end, overflow) = segment.fileOffset.addingReportingOverflow(segment.fileByteCount)
        guard !overflow, end <= fileByteCount else {
            throw .truncated(part: "a segment", needs: overflow ? .max : end, has: fileByteCount)
        }
    }

    /// The first address after the last segment; every one of them is checked against RAM.
    func end(in board: BoardLayout) throws(BootError) -> UInt64 {
        var end: UInt64 = 0
        for segment in segments {
            guard segment.address >= LowMemory.end, let range = BoardLayout.range(segment.address, segment.byteCount),
                range.last <= board.lowRAM.last
            else {
                throw .outsideRAM(
                    part: "a segment of the kernel", start: segment.address, byteCount: segment.byteCount,
                    ramByteCount: board.ramByteCount)
            }
            end = max(end, range.last.rawValue + 1)
        }
        return end
    }
}

// MARK: - The entry note

extension ELFKernel {
    /// XEN_ELFNOTE_PHYS32_ENTRY.
    private static let entryNoteType: UInt32 = 18
    /// Notes are a few hundred bytes; a segment that claims more is read no further.
    private static let longestNotes: UInt64 = 64 << 10

    private static func findEntry(
        _ file: some BootFile, _ table: [ELFHeader.ProgramHeader]
    ) throws(BootError) -> UInt64 {
        for program in table where program.kind == .note {
            let (segment, alignment) = (program.segment, program.alignment == 8 ? 8 : 4)
            let bytes: [UInt8]
            do throws(BootFileError) {
                let count = Int(min(segment.fileByteCount, longestNotes))
                bytes = try file.bytes(at: segment.fileOffset, count: count)
            } catch { throw .kernelFile(error) }
            if let entry = entry(inNotes: bytes, alignment: alignment) { return entry }
        }
        throw .noEntryNote
    }

    /// Walks name, descriptor and type of each note.
    static func entry(inNotes bytes: [UInt8], alignment: Int) -> UInt64? {
        var offset = 0
        while let nameSize = bytes.integer(UInt32.self, at: offset),
            let size = bytes.integer(UInt32.self, at: offset + 4), let type = bytes.integer(UInt32.self, at: offset + 8)
        {
            let nameOffset = offset + 12
            let contentOffset = rounded(nameOffset + Int(nameSize), to: alignment)
            if type == entryNoteType, bytes.slice(at: nameOffset, count: Int(nameSize)) == Array("Xen\0".utf8) {
                let wide = size >= 8 ? bytes.integer(UInt64.self, at: contentOffset) : nil
                return wide ?? bytes.integer(UInt32.self, at: contentOffset).map(UInt64.init)
            }
            offset = rounded(contentOffset + Int(size), to: alignment)
        }
        return nil
    }

    private static func rounded(_ value: Int, to alignment: Int) -> Int { (value + alignment - 1) & ~(alignment - 1) }
}
