/// The head of an ELF file (System V ABI, chapter 4) and its table of program headers.
struct ELFHeader {
    struct ProgramHeader {
        enum Kind: UInt32 {
            case load = 1
            case note = 4
        }

        let kind: Kind?
        let segment: ELFKernel.Segment
        let alignment: UInt64
    }

    private let is64Bit: Bool
    private let tableOffset: UInt64
    private let entryByteCount: Int
    private let entryCount: Int

    init(_ head: [UInt8], fileByteCount: UInt64) throws(BootError) {
        guard let wordSize = head.integer(UInt8.self, at: 4), let order = head.integer(UInt8.self, at: 5),
            let type = head.integer(UInt16.self, at: 16), let machine = head.integer(UInt16.self, at: 18)
        else { throw .truncated(part: "its ELF header", needs: 64, has: fileByteCount) }
        guard order == 1 else { throw .unsuitable(.elfNotLittleEndian) }
        guard machine == 62 || machine == 3 else { throw .unsuitable(.elfForMachine(machine)) }
        guard type == 2 || type == 3 else { throw .unsuitable(.elfNotExecutable(type: type)) }
        guard wordSize == 1 || wordSize == 2 else { throw .malformed("its ELF class is \(wordSize)") }
        is64Bit = wordSize == 2
        let offset =
            is64Bit ? head.integer(UInt64.self, at: 32) : head.integer(UInt32.self, at: 28).map(UInt64.init)
        guard let offset, let size = head.integer(UInt16.self, at: is64Bit ? 54 : 42),
            let count = head.integer(UInt16.self, at: is64Bit ? 56 : 44)
        else { throw .truncated(part: "its ELF header", needs: 64, has: fileByteCount) }
        guard size >= (is64Bit ? 56 : 32), count > 0 else {
            throw .malformed("its table of segments has \(count) entries of \(size) bytes")
        }
        (tableOffset, entryByteCount, entryCount) = (offset, Int(size), Int(count))
    }

    func programHeaders(of file: some BootFile) throws(BootError) -> [ProgramHeader] {
        let byteCount = entryByteCount * entryCount
        let (end, overflow) = tableOffset.addingReportingOverflow(UInt64(byteCount))
        guard !overflow, end <= file.byteCount else {
            throw .truncated(part: "its table of segments", needs: overflow ? .max : end, has: file.byteCount)
        }
        let table: [UInt8]
        do throws(BootFileError) {
            table = try file.bytes(at: tableOffset, count: byteCount)
        } catch { throw .kernelFile(error) }
        return (0..<entryCount).compactMap { programHeader(table, at: $0 * entryByteCount) }
    }

    private func programHeader(_ table: [UInt8], at offset: Int) -> ProgramHeader? {
        guard let type = table.integer(UInt32.self, at: offset) else { return nil }
        // Offset, physical address, size in the file, size in memory, alignment.
        let places = is64Bit ? [8, 24, 32, 40, 48] : [4, 12, 16, 20, 28]
        let fields = places.compactMap { place -> UInt64? in
            is64Bit
                ? table.integer(UInt64.self, at: offset + place)
                : table.integer(UInt32.self, at: offset + place).map(UInt64.init)
        }
        guard fields.count == places.count else { return nil }
        let segment = ELFKernel.Segment(
            fileOffset: fields[0], fileByteCount: fields[2], address: fields[1], byteCount: fields[3])
        return ProgramHeader(kind: .init(rawValue: type), segment: segment, alignment: fields[4])
    }
}
