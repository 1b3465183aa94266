import PCI

/// A block that begins some bytes into another's range, as the reset register does among PCI's ports.
final class OffsetRegisters: RegisterBlock {
    private let block: any RegisterBlock
    private let start: UInt64

    /// - Parameter start: in bytes, from the beginning of the surrounding range.
    init(_ block: any RegisterBlock, startingAt start: UInt64) {
        self.block = block
        self.start = start
    }

    func load(at offset: UInt64, byteCount: Int) -> UInt64 {
        offset < start ? .max : block.load(at: offset - start, byteCount: byteCount)
    }

    func store(_ value: UInt64, at offset: UInt64, byteCount: Int) {
        if offset >= start { block.store(value, at: offset - start, byteCount: byteCount) }
    }
}
