/// A piece of ACPI Machine Language (ACPI 6.5, section 20), encoded: a term, or several in a row.
struct AML: Sendable {
    let bytes: [UInt8]

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    init(_ terms: [AML]) { self.init([], terms) }

    fileprivate init(_ opcode: [UInt8], _ operands: AML...) { self.init(opcode, operands) }

    // The tables are built at each start, so that their bytes are copied once and not by general algorithms.
    private init(_ opcode: [UInt8], _ operands: [AML]) {
        var bytes = opcode
        bytes.reserveCapacity(operands.reduce(opcode.count) { $0 + $1.bytes.count })
        for operand in operands { bytes += operand.bytes }
        self.bytes = bytes
    }
}

// MARK: - Names and data (section 20.2.2, 20.2.3)

extension AML {
    /// A name: segments of up to four characters with dots between them; `\` in front starts at the root.
    static func name(_ path: String) -> AML {
        var characters = Array(path.utf8)
        var bytes: [UInt8] = []
        if characters.first == UInt8(ascii: "\\") { bytes = [characters.removeFirst()] }
        let segments = characters.split(separator: UInt8(ascii: "."))
        switch segments.count {
        case 0: bytes.append(0x00)
        case 1: break
        case 2: bytes.append(0x2E)
        default: bytes += [0x2F, UInt8(truncatingIfNeeded: segments.count)]
        }
        for segment in segments {
            // Four characters, filled up with underscores.
            bytes += segment.prefix(4)
            bytes += repeatElement(UInt8(ascii: "_"), count: max(4 - segment.count, 0))
        }
        return AML(bytes)
    }

    /// The shortest encoding of a number.
    static func integer(_ value: UInt64) -> AML {
        var bytes: [UInt8] = []
        switch value {
        case 0, 1: bytes = [UInt8(value)]
        case ...0xFF: bytes = [0x0A, UInt8(value)]
        case ...0xFFFF:
            bytes = [0x0B]
            bytes.append(littleEndian: UInt16(value))
        case ...0xFFFF_FFFF:
            bytes = [0x0C]
            bytes.append(littleEndian: UInt32(value))
        default:
            bytes = [0x0E]
            bytes.append(littleEndian: value)
        }
        return AML(bytes)
    }

    /// ASCII.
    static func string(_ text: String) -> AML { AML([0x0D] + Array(text.utf8) + [0]) }

    static func buffer(_ content: [UInt8]) -> AML {
        AML([0x11] + block(integer(UInt64(content.count)).bytes + content))
    }

    static func package(_ elements: [AML]) -> AML {
        AML([0x12] + block([UInt8(truncatingIfNeeded: elements.count)] + elements.flatMap(\.bytes)))
    }

    /// An identifier of three letters and four hexadecimal digits, such as PNP0501, as a number (section 19.6.37).
    static func eisaIdentifier(_ text: String) -> AML {
        let letters = text.utf8.prefix(3).reduce(UInt32(0)) { $0 << 5 | UInt32($1 & 0x1F) }
        let digits = UInt32(text.dropFirst(3), radix: 16) ?? 0
        var bytes: [UInt8] = [0x0C]
        bytes.append(littleEndian: (letters << 16 | digits & 0xFFFF).byteSwapped)
        return AML(bytes)
    }

    /// The content with its length in front. The length counts itself (section 20.2.4).
    fileprivate static func block(_ content: [UInt8]) -> [UInt8] {
        if content.count + 1 < 0x40 { return [UInt8(content.count + 1)] + content }
        for extra in 1...3 where content.count + 1 + extra < 1 << (4 + 8 * extra) || extra == 3 {
            let length = UInt64(content.count + 1 + extra)
            let high = (0..<extra).map { UInt8(truncatingIfNeeded: length >> (4 + 8 * UInt64($0))) }
            return [UInt8(extra) << 6 | UInt8(length & 0xF)] + high + content
        }
        return content
    }
}

// MARK: - Named objects (section 20.2.5)

extension AML {
    static func define(_ path: String, _ value: AML) -> AML { AML([0x08], name(path), value) }

    static func scope(_ path: String, _ terms: [AML]) -> AML {
        AML([0x10] + block(name(path).bytes + AML(terms).bytes))
    }

    static func device(_ path: String, _ terms: [AML]) -> AML {
        AML([0x5B, 0x82] + block(name(path).bytes + AML(terms).bytes))
    }

    /// - Parameter isSerialized: one caller at a time; needed where the body makes named objects.
    static func method(_ path: String, arguments: UInt8 = 0, isSerialized: Bool = false, _ terms: [AML]) -> AML {
        let flags = (arguments & 7) | (isSerialized ? 8 : 0)
        return AML([0x14] + block(name(path).bytes + [flags] + AML(terms).bytes))
    }

    /// Registers in memory, from a guest-physical address on, with a size in bytes.
    static func memoryRegion(_ path: String, at address: UInt64, byteCount: UInt64) -> AML {
        AML([0x5B, 0x80], name(path), AML([0x00]), integer(address), integer(byteCount))
    }

    /// Names for a region's 32-bit registers, from its start on.
    static func registers32(of region: String, _ names: [String]) -> AML {
        // Accessed as double words, without a lock, other bits preserved; each name 32 bits long.
        var content: [UInt8] = name(region).bytes + [0x03]
        for register in names { content += name(register).bytes + [32] }
        return AML([0x5B, 0x81] + block(content))
    }
}

// MARK: - Statements and expressions (section 20.2.5.3, 20.2.5.4)

extension AML {
    static func argument(_ index: UInt8) -> AML { AML([0x68 &+ min(index, 6)]) }

    static func local(_ index: UInt8) -> AML { AML([0x60 &+ min(index, 7)]) }

    static func store(_ value: AML, in target: AML) -> AML { AML([0x70], value, target) }

    static func and(_ left: AML, _ right: AML) -> AML { AML([0x7B], left, right, AML([0])) }

    static func or(_ left: AML, _ right: AML) -> AML { AML([0x7D], left, right, AML([0])) }

    static func shiftLeft(_ value: AML, by count: AML) -> AML { AML([0x79], value, count, AML([0])) }

    static func equal(_ left: AML, _ right: AML) -> AML { AML([0x93], left, right) }

    static func not(_ value: AML) -> AML { AML([0x92], value) }

    static func notify(_ device: String, _ value: AML) -> AML { AML([0x86], name(device), value) }

    static func call(_ method: String, _ arguments: AML...) -> AML { AML([name(method)] + arguments) }

    static func `return`(_ value: AML) -> AML { AML([0xA4], value) }

    static func `if`(_ condition: AML, _ terms: [AML], else otherwise: [AML] = []) -> AML {
        let choice = [0xA0] + block(condition.bytes + AML(terms).bytes)
        return AML(choice + (otherwise.isEmpty ? [] : [0xA1] + block(AML(otherwise).bytes)))
    }

    /// Names four bytes of a buffer.
    static func doubleWordField(_ field: String, of buffer: AML, at offset: UInt64) -> AML {
        AML([0x8A], buffer, integer(offset), name(field))
    }

    /// Sixteen bytes in the order that `ToUUID` gives (section 19.6.142).
    static func uuid(_ text: String) -> AML {
        let digits = Array(text.filter { $0 != "-" })
        let plain = stride(from: 0, to: digits.count - 1, by: 2).compactMap {
            UInt8(String(digits[$0...$0 + 1]), radix: 16)
        }
        let order = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15]
        return buffer(order.compactMap { plain.indices.contains($0) ? plain[$0] : nil })
    }
}
