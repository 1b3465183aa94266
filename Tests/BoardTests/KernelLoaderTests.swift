import GuestMemory
import TestSupport
import SeededRandom
import Testing

@testable import Board

private let rsdp = GuestAddress(0xE0000)

struct BadKernel: Sendable, CustomTestStringConvertible {
    let name: String
    let bytes: [UInt8]
    let error: BootError
    init(_ name: String, _ bytes: [UInt8], _ error: BootError) {
        (self.name, self.bytes, self.error) = (name, bytes, error)
    }
    var testDescription: String { name }
}

@Suite struct KernelLoaderTests {
    let board: BoardLayout
    let memory: MemoryMap

    init() throws {
        board = try BoardLayout(ramByteCount: 64 * mebibyte, physicalAddressBits: 40)
        memory = try MemoryMap.ram(board)
    }

    private func load(
        _ kernel: [UInt8], initrd: [UInt8]? = nil, commandLine: String = "console=ttyS0"
    ) throws -> InitialProcessorState {
        try KernelLoader(board: board, memory: memory).load(
            BootRequest(
                kernel: BootBytes(kernel), initrd: initrd.map { BootBytes($0) }, commandLine: commandLine, rsdp: rsdp))
    }

    // MARK: bzImage

    @Test func loadsBzImage() throws {
        let image = SyntheticBzImage()
        let initrd = [UInt8](repeating: 0xA5, count: 300_001)
        let state = try load(image.bytes, initrd: initrd)
        #expect(state.mode == .long64 && state.rip == 0x100_0200 && state.rsi == 0x7000)
        #expect(try memory.bytes(at: GuestAddress(0x100_0000), count: image.payload.count) == image.payload)
        let page = try memory.bytes(at: GuestAddress(0x7000), count: 4096)
        #expect(page.get(UInt64.self, at: 0x70) == rsdp.rawValue)
        #expect(page.get(UInt8.self, at: 0x210) == 0xFF)
        #expect(page.get(UInt32.self, at: 0x202) == Array("HdrS".utf8).get(UInt32.self, at: 0))
        let start = page.get(UInt32.self, at: 0x218)
        #expect(start == (64 << 20) - 303_104 && page.get(UInt32.self, at: 0x21C) == 300_001)
        #expect(try memory.bytes(at: GuestAddress(UInt64(start)), count: initrd.count) == initrd)
        let line = GuestAddress(UInt64(page.get(UInt32.self, at: 0x228)))
        #expect(try memory.bytes(at: line, count: 14) == Array("console=ttyS0".utf8) + [0])
        #expect(page.get(UInt8.self, at: 0x1E8) == UInt8(board.firmwareMemoryMap.count))
        #expect(page.get(UInt64.self, at: 0x2D0 + 2 * 20) == 0x10_0000)
        #expect(page.get(UInt64.self, at: 0x2D0 + 2 * 20 + 8) == 63 * mebibyte)
        #expect(page.get(UInt32.self, at: 0x2D0 + 2 * 20 + 16) == 1)
    }

    @Test func mapsTheFirstFourGibibytesToThemselves() throws {
        let state = try load(SyntheticBzImage().bytes)
        for address: UInt64 in [0, 0x7000, 0x100_0200, 0xBFFF_FFFF, 0xFFFF_FFFF] {
            var table = state.cr3
            for shift in [39, 30] as [UInt64] {
                let entry: UInt64 = try memory.load(at: GuestAddress(table + (address >> shift & 0x1FF) * 8))
                #expect(entry & 0xFFF == 3)
                table = entry & ~0xFFF
            }
            let entry: UInt64 = try memory.load(at: GuestAddress(table + (address >> 21 & 0x1FF) * 8))
            #expect(entry == (address & ~0x1F_FFFF) | 0x83)
        }
    }

    @Test func descriptorTableHoldsTheSegments() throws {
        let state = try load(SyntheticBzImage().bytes)
        let table = GuestAddress(state.descriptorTableBase)
        let bytes = try memory.bytes(at: table, count: Int(state.descriptorTableLimit) + 1)
        #expect(bytes.get(UInt64.self, at: Int(state.code.selector)) == 0x00AF_9B00_0000_FFFF)
        #expect(bytes.get(UInt64.self, at: Int(state.data.selector)) == 0x00CF_9300_0000_FFFF)
        #expect(bytes.get(UInt64.self, at: Int(state.task.selector)) == 0x0000_8B00_0000_0067)
        #expect(InitialProcessorState.Segment.code(is64Bit: false).descriptor == 0x00CF_9B00_0000_FFFF)
    }

    @Test func setupSectorsOfZeroMeanFour() throws {
        let image = SyntheticBzImage.with { $0.setupSectors = 0 }
        _ = try load(image.bytes)
        #expect(try memory.bytes(at: GuestAddress(0x100_0000), count: 64) == Array(image.payload.prefix(64)))
    }

    @Test func initrdStaysBelowItsLimit() throws {
        let image = SyntheticBzImage.with { $0.initrdLimit = 0x1FF_FFFF }
        _ = try load(image.bytes, initrd: [1, 2, 3])
        #expect(try memory.load(UInt32.self, at: GuestAddress(0x7218)) == 0x1FF_F000)
    }

    @Test(arguments: [
        BadKernel("empty", [], .unsuitable(.empty)),
        BadKernel("text", Array("hello".utf8), .unsuitable(.unknown)),
        BadKernel("gzip", [0x1F, 0x8B, 8, 0], .unsuitable(.compressed("gzip"))),
        BadKernel("zstd", [0x28, 0xB5, 0x2F, 0xFD], .unsuitable(.compressed("zstd"))),
        BadKernel("zboot", Array("MZ\0\0zimg".utf8), .unsuitable(.compressedEFI)),
        BadKernel("arm64", [UInt8](repeating: 0, count: 0x38) + Array("ARMd".utf8), .unsuitable(.arm64)),
        BadKernel("no magic", SyntheticBzImage.with { $0.magic = "xxxx" }.bytes, .unsuitable(.unknown)),
        BadKernel("no boot flag", SyntheticBzImage.with { $0.bootFlag = 0 }.bytes, .unsuitable(.unknown)),
        BadKernel(
            "old", SyntheticBzImage.with { $0.version = 0x020B }.bytes, .unsuitable(.oldProtocol(major: 2, minor: 11))),
        BadKernel("zImage", SyntheticBzImage.with { $0.loadFlags = 0 }.bytes, .unsuitable(.lowLoading)),
        BadKernel("32 bits", SyntheticBzImage.with { $0.extendedLoadFlags = 0 }.bytes, .unsuitable(.not64Bit)),
        BadKernel(
            "head only", Array(SyntheticBzImage().bytes.prefix(0x206)),
            .truncated(part: "its header", needs: 0x264, has: 0x206)),
        BadKernel(
            "half a header", Array(SyntheticBzImage().bytes.prefix(0x240)),
            .truncated(part: "its header", needs: 0x26E, has: 0x240)),
        BadKernel(
            "short header", SyntheticBzImage.with { $0.headerEnd = 8 }.bytes, .malformed("its header ends at 0x20a")),
        BadKernel(
            "long header", SyntheticBzImage.with { $0.headerEnd = 0xFF }.bytes, .malformed("its header ends at 0x301")),
        BadKernel(
            "cut short", Array(SyntheticBzImage().bytes.dropLast()),
            .truncated(part: "what its header announces", needs: 1536 + 4096, has: 1536 + 4095)),
        BadKernel(
            "boasting", SyntheticBzImage.with { $0.announcedParagraphs = .max }.bytes,
            .truncated(part: "what its header announces", needs: 1536 + 16 * UInt64(UInt32.max), has: 1536 + 4096)),
        BadKernel(
            "no payload", SyntheticBzImage.with { $0.announcedParagraphs = 0 }.bytes,
            .malformed("its header announces a kernel of 0 bytes")),
        BadKernel(
            "too large", SyntheticBzImage.with { $0.initByteCount = 0x300_0001 }.bytes,
            .outsideRAM(
                part: "the kernel, unpacking itself,", start: 0x100_0000, byteCount: 0x300_0001,
                ramByteCount: 64 * mebibyte)),
        BadKernel(
            "too high", SyntheticBzImage.with { $0.loadAddress = .max }.bytes,
            .outsideRAM(
                part: "the kernel, unpacking itself,", start: .max, byteCount: 0x20_0000, ramByteCount: 64 * mebibyte)),
        BadKernel(
            "too low", SyntheticBzImage.with { $0.loadAddress = 0 }.bytes,
            .outsideRAM(
                part: "the kernel, unpacking itself,", start: 0, byteCount: 0x20_0000, ramByteCount: 64 * mebibyte)),
    ])
    func refuses(_ row: BadKernel) throws {
        #expect(throws: row.error) { try load(row.bytes) }
        #expect(!row.error.description.isEmpty)
        // Nothing was written.
        #expect(try memory.bytes(at: GuestAddress(0), count: 0x10000).allSatisfy { $0 == 0 })
    }

    @Test func refusesLongCommandLines() throws {
        let fits = String(repeating: "a", count: 2047)
        _ = try load(SyntheticBzImage().bytes, commandLine: fits)
        #expect(throws: BootError.commandLineTooLong(byteCount: 2048, limit: 2047)) {
            try load(SyntheticBzImage().bytes, commandLine: fits + "a")
        }
        #expect(throws: BootError.commandLineTooLong(byteCount: 2048, limit: 2047)) {
            try load(SyntheticELF().bytes, commandLine: fits + "a")
        }
        let generous = SyntheticBzImage.with { $0.commandLineByteCount = .max }
        #expect(throws: BootError.commandLineTooLong(byteCount: 0x10000, limit: 0xFFFF)) {
            try load(generous.bytes, commandLine: String(repeating: "a", count: 0x10000))
        }
        #expect(throws: BootError.commandLineHasNUL) { try load(SyntheticBzImage().bytes, commandLine: "a\0b") }
    }

    @Test func refusesUnfitInitrds() throws {
        #expect(throws: BootError.initrdEmpty) { try load(SyntheticBzImage().bytes, initrd: []) }
        // 64 MiB less the kernel's 18 MiB are free: one byte more is refused, with the sizes.
        let free = 46 * mebibyte
        _ = try load(SyntheticBzImage().bytes, initrd: [UInt8](repeating: 1, count: Int(free)))
        let error = BootError.initrdTooLarge(byteCount: free + 1, available: free, ramByteCount: 64 * mebibyte)
        #expect(throws: error) {
            try load(SyntheticBzImage().bytes, initrd: [UInt8](repeating: 1, count: Int(free) + 1))
        }
        #expect(error.description.contains("48234497") && error.description.contains("48234496"))
    }

    @Test func readErrorsAreTold() throws {
        struct Broken: BootFile {
            let byteCount: UInt64 = 1 << 20
            func bytes(at offset: UInt64, count: Int) throws(BootFileError) -> [UInt8] {
                throw .unreadable("Input/output error")
            }
        }
        let loader = KernelLoader(board: board, memory: memory)
        #expect(throws: BootError.kernelFile(.unreadable("Input/output error"))) {
            try loader.load(BootRequest(kernel: Broken(), rsdp: rsdp))
        }
        #expect(throws: BootError.initrdFile(.unreadable("Input/output error"))) {
            try loader.load(BootRequest(kernel: BootBytes(SyntheticBzImage().bytes), initrd: Broken(), rsdp: rsdp))
        }
    }

    // MARK: ELF

    @Test(arguments: [
        SyntheticELF(), .with { ($0.name, $0.is64Bit) = ("32 bits", false) },
        .with { ($0.name, $0.wideNote) = ("entry of 64 bits", true) },
        .with { ($0.name, $0.notesBefore) = ("no other note", 0) },
        .with { ($0.name, $0.type) = ("position-independent", 3) },
    ])
    func loadsELF(_ image: SyntheticELF) throws {
        try memory.write([UInt8](repeating: 0xEE, count: 0x2000), at: GuestAddress(image.address))
        let state = try load(image.bytes, initrd: [9, 8, 7])
        #expect(state.mode == .protected32 && state.rip == image.entry && state.rbx == 0x6000 && state.cr0 == 0x11)
        let expected = image.content + [UInt8](repeating: 0, count: 0x1000 - image.content.count) + [0xEE]
        #expect(try memory.bytes(at: GuestAddress(image.address), count: 0x1001) == expected)

        let info = try memory.bytes(at: GuestAddress(0x6000), count: 0x400)
        #expect(info.get(UInt32.self, at: 0) == 0x336E_C578 && info.get(UInt32.self, at: 4) == 1)
        #expect(info.get(UInt32.self, at: 12) == 1)
        #expect(info.get(UInt64.self, at: 32) == rsdp.rawValue)
        let module = Int(info.get(UInt64.self, at: 16)) - 0x6000
        #expect(info.get(UInt64.self, at: module) == 64 * mebibyte - 4096 && info.get(UInt64.self, at: module + 8) == 3)
        #expect(try memory.bytes(at: GuestAddress(64 * mebibyte - 4096), count: 3) == [9, 8, 7])
        let line = GuestAddress(info.get(UInt64.self, at: 24))
        #expect(try memory.bytes(at: line, count: 14) == Array("console=ttyS0".utf8) + [0])
        let map = Int(info.get(UInt64.self, at: 40)) - 0x6000
        #expect(info.get(UInt32.self, at: 48) == UInt32(board.firmwareMemoryMap.count))
        #expect(info.get(UInt64.self, at: map + 48) == mebibyte && info.get(UInt32.self, at: map + 64) == 1)
    }

    @Test(arguments: [
        BadKernel("magic only", [0x7F, 0x45, 0x4C, 0x46], .truncated(part: "its ELF header", needs: 64, has: 4)),
        BadKernel(
            "half a header", Array(SyntheticELF().bytes.prefix(50)),
            .truncated(part: "its ELF header", needs: 64, has: 50)),
        BadKernel("big-endian", SyntheticELF.with { $0.order = 2 }.bytes, .unsuitable(.elfNotLittleEndian)),
        BadKernel("arm64", SyntheticELF.with { $0.machine = 183 }.bytes, .unsuitable(.elfForMachine(183))),
        BadKernel("object file", SyntheticELF.with { $0.type = 1 }.bytes, .unsuitable(.elfNotExecutable(type: 1))),
        BadKernel("class 9", SyntheticELF.with { $0.elfClass = 9 }.bytes, .malformed("its ELF class is 9")),
        BadKernel(
            "no segments", SyntheticELF.with { $0.entryCount = 0 }.bytes,
            .malformed("its table of segments has 0 entries of 56 bytes")),
        BadKernel(
            "small entries", SyntheticELF.with { $0.entrySize = 8 }.bytes,
            .malformed("its table of segments has 2 entries of 8 bytes")),
        BadKernel(
            "table beyond the end", SyntheticELF.with { $0.tableOffset = 0x1_0000 }.bytes,
            .truncated(part: "its table of segments", needs: 0x1_0070, has: UInt64(SyntheticELF().bytes.count))),
        BadKernel(
            "table wraps", SyntheticELF.with { $0.tableOffset = .max }.bytes,
            .truncated(part: "its table of segments", needs: .max, has: UInt64(SyntheticELF().bytes.count))),
        BadKernel("no note", SyntheticELF.with { $0.noteType = 5 }.bytes, .noEntryNote),
        BadKernel("another's note", SyntheticELF.with { $0.noteName = "ABC\0" }.bytes, .noEntryNote),
        BadKernel(
            "entry elsewhere", SyntheticELF.with { $0.entry = 0x10_1000 }.bytes, .entryOutsideSegments(0x10_1000)),
        BadKernel("entry below", SyntheticELF.with { $0.entry = 0 }.bytes, .entryOutsideSegments(0)),
        BadKernel(
            "segment beyond the end", SyntheticELF.with { $0.fileOffset = 0x9000 }.bytes,
            .truncated(part: "a segment", needs: 0x9234, has: UInt64(SyntheticELF().bytes.count))),
        BadKernel(
            "segment wraps in the file", SyntheticELF.with { $0.fileOffset = .max }.bytes,
            .truncated(part: "a segment", needs: .max, has: UInt64(SyntheticELF().bytes.count))),
        BadKernel(
            "more file than memory", SyntheticELF.with { $0.memoryByteCount = 1 }.bytes,
            .malformed("a segment has more bytes in the file than in memory")),
        BadKernel(
            "nothing to load", SyntheticELF.with { ($0.memoryByteCount, $0.fileByteCount) = (0, 0) }.bytes,
            .malformed("it has no segment to load")),
        BadKernel(
            "below 1 MiB", SyntheticELF.with { ($0.address, $0.entry) = (0x7000, 0x7000) }.bytes,
            .outsideRAM(part: "a segment of the kernel", start: 0x7000, byteCount: 0x1000, ramByteCount: 64 * mebibyte)),
        BadKernel(
            "beyond RAM", SyntheticELF.with { $0.memoryByteCount = 64 * mebibyte }.bytes,
            .outsideRAM(
                part: "a segment of the kernel", start: mebibyte, byteCount: 64 * mebibyte, ramByteCount: 64 * mebibyte)
        ),
        BadKernel(
            "wraps", SyntheticELF.with { ($0.address, $0.entry, $0.wideNote) = (.max - 1, .max, true) }.bytes,
            .outsideRAM(
                part: "a segment of the kernel", start: .max - 1, byteCount: 0x1000, ramByteCount: 64 * mebibyte)),
    ])
    func refusesELF(_ row: BadKernel) throws { try refuses(row) }

    @Test func anyCutIsAnErrorAndNoTrap() throws {
        for image in [SyntheticBzImage().bytes, SyntheticELF().bytes] {
            for count in stride(from: 0, to: image.count, by: 13) {
                #expect(throws: BootError.self) { try load(Array(image.prefix(count))) }
            }
        }
    }

    @Test(arguments: Seeds.usually(0...0)) func damagedHeadersNeverTrap(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for round in 0..<800 {
            var image = round % 2 == 0 ? SyntheticBzImage().bytes : SyntheticELF().bytes
            let (from, to) = round % 2 == 0 ? (0x1F1, 0x270) : (4, 250)
            for _ in 0..<4 {
                image[Int.random(in: from..<to, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            _ = try? load(image)
        }
    }
}
