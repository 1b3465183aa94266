import Board
import Testing

/// A bzImage with nothing in it but a valid header; each field can be changed before it is built.
struct SyntheticBzImage: Sendable {
    var setupSectors: UInt8 = 2
    var payload: [UInt8] = (0..<0x1000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    var announcedParagraphs: UInt32?
    var bootFlag: UInt16 = 0xAA55
    var magic = "HdrS"
    var version: UInt16 = 0x020F
    var headerEnd: UInt8 = 0x6C
    var loadFlags: UInt8 = 1
    var extendedLoadFlags: UInt16 = 0x3F
    var initrdLimit: UInt32 = 0x7FFF_FFFF
    var commandLineByteCount: UInt32 = 2047
    var loadAddress: UInt64 = 0x100_0000
    var initByteCount: UInt32 = 0x20_0000

    var bytes: [UInt8] {
        var head = [UInt8](repeating: 0, count: (Int(setupSectors == 0 ? 4 : setupSectors) + 1) * 512)
        head.put(setupSectors, at: 0x1F1)
        head.put(announcedParagraphs ?? UInt32(payload.count / 16), at: 0x1F4)
        head.put(bootFlag, at: 0x1FE)
        head.put(UInt8(0xEB), at: 0x200)
        head.put(headerEnd, at: 0x201)
        head.replaceSubrange(0x202..<0x206, with: Array(magic.utf8))
        head.put(version, at: 0x206)
        head.put(loadFlags, at: 0x211)
        head.put(initrdLimit, at: 0x22C)
        head.put(UInt32(0x20_0000), at: 0x230)
        head.put(UInt8(1), at: 0x234)
        head.put(extendedLoadFlags, at: 0x236)
        head.put(commandLineByteCount, at: 0x238)
        head.put(loadAddress, at: 0x258)
        head.put(initByteCount, at: 0x260)
        return head + payload
    }

    static func with(_ change: (inout SyntheticBzImage) -> Void) -> SyntheticBzImage {
        var image = SyntheticBzImage()
        change(&image)
        return image
    }
}

/// An ELF kernel with one segment and one segment of notes.
struct SyntheticELF: Sendable, CustomTestStringConvertible {
    var name = "plain"
    var is64Bit = true
    var order: UInt8 = 1
    var elfClass: UInt8?
    var type: UInt16 = 2
    var machine: UInt16?
    var entrySize: UInt16?
    var entryCount: UInt16 = 2
    var tableOffset: UInt64?
    var noteName = "Xen\0"
    var noteType: UInt32 = 18
    var notesBefore = 1
    var wideNote = false
    var entry: UInt64 = 0x10_0010
    var address: UInt64 = 0x10_0000
    var content: [UInt8] = (0..<0x234).map { UInt8(truncatingIfNeeded: $0 &* 11 &+ 1) }
    var fileOffset: UInt64?
    var fileByteCount: UInt64?
    var memoryByteCount: UInt64 = 0x1000

    var testDescription: String { name }

    private var notes: [UInt8] {
        var bytes: [UInt8] = []
        for _ in 0..<notesBefore { bytes += note("GNU\0", 3, [1, 2, 3, 4, 5]) }
        var descriptor = [UInt8](repeating: 0, count: wideNote ? 8 : 4)
        if wideNote { descriptor.put(entry, at: 0) } else { descriptor.put(UInt32(truncatingIfNeeded: entry), at: 0) }
        return bytes + note(noteName, noteType, descriptor)
    }

    private func note(_ name: String, _ type: UInt32, _ descriptor: [UInt8]) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 12)
        bytes.put(UInt32(name.utf8.count), at: 0)
        bytes.put(UInt32(descriptor.count), at: 4)
        bytes.put(type, at: 8)
        bytes += Array(name.utf8)
        while bytes.count % 4 != 0 { bytes.append(0) }
        bytes += descriptor
        while bytes.count % 4 != 0 { bytes.append(0) }
        return bytes
    }

    var bytes: [UInt8] {
        let (headSize, size) = is64Bit ? (64, 56) : (52, 32)
        var head = [UInt8](repeating: 0, count: headSize + 2 * size)
        head.replaceSubrange(0..<4, with: [0x7F] + Array("ELF".utf8))
        head[4] = elfClass ?? (is64Bit ? 2 : 1)
        head[5] = order
        head.put(type, at: 16)
        head.put(machine ?? (is64Bit ? 62 : 3), at: 18)
        let table = tableOffset ?? UInt64(headSize)
        if is64Bit { head.put(table, at: 32) } else { head.put(UInt32(truncatingIfNeeded: table), at: 28) }
        head.put(entrySize ?? UInt16(size), at: is64Bit ? 54 : 42)
        head.put(entryCount, at: is64Bit ? 56 : 44)
        let notes = notes
        let notesAt = UInt64(head.count + content.count)
        put(
            &head, at: headSize, type: 1, offset: fileOffset ?? UInt64(head.count), address: address,
            fileByteCount: fileByteCount ?? UInt64(content.count), memoryByteCount: memoryByteCount)
        put(
            &head, at: headSize + size, type: 4, offset: notesAt, address: 0, fileByteCount: UInt64(notes.count),
            memoryByteCount: UInt64(notes.count))
        return head + content + notes
    }

    private func put(
        _ head: inout [UInt8], at: Int, type: UInt32, offset: UInt64, address: UInt64, fileByteCount: UInt64,
        memoryByteCount: UInt64
    ) {
        head.put(type, at: at)
        let fields = [offset, address, fileByteCount, memoryByteCount, 4]
        for (place, field) in zip(is64Bit ? [8, 24, 32, 40, 48] : [4, 12, 16, 20, 28], fields) {
            if is64Bit {
                head.put(field, at: at + place)
            } else {
                head.put(UInt32(truncatingIfNeeded: field), at: at + place)
            }
        }
    }

    static func with(_ change: (inout SyntheticELF) -> Void) -> SyntheticELF {
        var image = SyntheticELF()
        change(&image)
        return image
    }
}
