/// `-m [size=]SIZE[,slots=N,maxmem=SIZE]`.
public struct MemorySize: Equatable, Sendable {
    /// 128 MiB, as QEMU.
    public static let defaultBytes: UInt64 = 128 << 20
    /// As many as the ACPI memory hot-plug interface of QEMU's PC boards has.
    static let maximumSlots: UInt64 = 256
    private static let granularity: UInt64 = 8192

    /// Bytes of guest RAM, a multiple of 8 KiB.
    public var bytes = defaultBytes
    /// Checked, and without effect: memory is not hot-plugged.
    public var slots: UInt64 = 0
    /// Bytes. Checked, and without effect: pmem needs no reserved room.
    public var maximumBytes: UInt64?

    public init() {}

    /// Later `-m` change what they name and keep the rest.
    /// - Returns: warnings.
    mutating func apply(_ text: String) throws(DialectError) -> [String] {
        let options = try OptionString(text, impliedName: "size")
        var reader = PropertyReader(options)
        var warnings = options.warnings
        let size = reader.text("size")
        let slotCount = reader.text("slots")
        let maximum = reader.text("maxmem")
        try reader.finish(accepted: ["size", "slots", "maxmem"])
        if let size { bytes = try Self.parseMegabytes(size, &warnings) }
        if let slotCount {
            guard let count = parseUnsigned(slotCount) else { throw .expectsNumber(parameter: "slots") }
            slots = count
        }
        if let maximum {
            guard let size = try? Size(maximum) else { throw .expectsSize(parameter: "maxmem") }
            maximumBytes = size.bytes
        }
        return warnings
    }

    /// A number that ends in a digit counts MiB; 0 is the default.
    private static func parseMegabytes(_ text: String, _ warnings: inout [String]) throws(DialectError) -> UInt64 {
        let endsInDigit = text.utf8.last.map { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } ?? false
        let spelled = endsInDigit ? text + "M" : text
        let size: Size
        do {
            size = try Size(spelled)
        } catch {
            throw error == .outOfRange ? .memorySizeOutOfRange(spelled) : .expectsMemorySize
        }
        if size.isSuffixedHexadecimal { warnings.append(suffixedHexadecimalWarning(spelled)) }
        if size.bytes == 0 { return defaultBytes }
        let (padded, overflow) = size.bytes.addingReportingOverflow(granularity - 1)
        guard !overflow else { throw .memorySizeOutOfRange(spelled) }
        return padded & ~(granularity - 1)
    }

    /// After the last `-m`.
    func check() throws(DialectError) {
        guard let maximumBytes else {
            guard slots == 0 else { throw .slotsWithoutMaximum }
            return
        }
        guard maximumBytes >= bytes else { throw .maximumBelowSize(maximum: maximumBytes, size: bytes) }
        guard slots <= Self.maximumSlots else { throw .tooManySlots(slots) }
        guard slots == 0 || maximumBytes > bytes else { throw .slotsButNoRoom(bytes) }
    }
}
