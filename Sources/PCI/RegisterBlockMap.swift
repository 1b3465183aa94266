/// A range of addresses made of parts that different blocks answer, such as a BAR that holds several structures.
public final class RegisterBlockMap: RegisterBlock {
    /// A block and where it lies in the range, in bytes.
    public struct Part: Sendable {
        public let offset: UInt64
        public let byteCount: UInt64
        public let block: any RegisterBlock

        public init(offset: UInt64, byteCount: UInt64, block: any RegisterBlock) {
            self.offset = offset
            self.byteCount = byteCount
            self.block = block
        }
    }

    private let parts: [Part]

    /// - Parameter parts: the first that holds an access answers it.
    public init(_ parts: [Part]) {
        self.parts = parts
    }

    /// Answers zero where no part lies, and for an access that leaves a part.
    public func load(at offset: UInt64, byteCount: Int) -> UInt64 {
        guard let (part, inner) = part(at: offset, byteCount: byteCount) else { return 0 }
        return part.block.load(at: inner, byteCount: byteCount)
    }

    /// Does nothing where no part lies, and for an access that leaves a part.
    public func store(_ value: UInt64, at offset: UInt64, byteCount: Int) {
        guard let (part, inner) = part(at: offset, byteCount: byteCount) else { return }
        part.block.store(value, at: inner, byteCount: byteCount)
    }

    private func part(at offset: UInt64, byteCount: Int) -> (Part, UInt64)? {
        guard byteCount > 0 else { return nil }
        for part in parts where offset >= part.offset && offset &- part.offset < part.byteCount {
            let inner = offset &- part.offset
            return UInt64(byteCount) <= part.byteCount &- inner ? (part, inner) : nil
        }
        return nil
    }
}
