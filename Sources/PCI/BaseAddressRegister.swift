/// A memory BAR of a function: its size and kind, and what answers in it (PCI 3.0, section 6.2.5.1).
public struct BaseAddressRegister: Sendable {
    /// How many address bits the register has. A 64-bit one takes two of the six places in the header.
    public enum Width: Sendable {
        case bits32
        case bits64
    }

    /// The register's place, 0 to 5.
    public let index: Int
    /// The size of the range in bytes: a power of two, at least 16.
    public let byteCount: UInt64
    public let width: Width
    /// Whether loads have no side effects.
    public let isPrefetchable: Bool
    /// What answers loads and stores; nil for a range that is plain memory, which the monitor maps.
    public let contents: (any RegisterBlock)?

    /// - Throws: `invalidBAR` when size, index and width do not fit each other.
    public init(
        index: Int, byteCount: UInt64, width: Width, isPrefetchable: Bool = false, contents: (any RegisterBlock)?
    ) throws(ConfigurationError) {
        let lastIndex = width == .bits64 ? 4 : 5
        let largest: UInt64 = width == .bits64 ? 1 << 62 : 1 << 31
        guard (0...lastIndex).contains(index), (16...largest).contains(byteCount), byteCount.nonzeroBitCount == 1 else {
            throw .invalidBAR(index)
        }
        self.index = index
        self.byteCount = byteCount
        self.width = width
        self.isPrefetchable = isPrefetchable
        self.contents = contents
    }

    /// The places in the header that the register takes.
    var indices: ClosedRange<Int> { index...(width == .bits64 ? index + 1 : index) }

    /// Where the register is in configuration space, in bytes.
    var offset: Int { Header.firstBAR + index * 4 }

    /// The register's size in configuration space, in bytes.
    var registerByteCount: Int { width == .bits64 ? 8 : 4 }

    /// The read-only low bits: memory, the width, prefetchable.
    var typeBits: UInt64 { (width == .bits64 ? 0b0100 : 0) | (isPrefetchable ? 0b1000 : 0) }

    /// The bits that a store changes. The others answer the all-ones store that asks for the size.
    var addressMask: UInt64 { lowBytes(~(byteCount &- 1), registerByteCount) }
}

/// Where a BAR's range is now.
public struct BARMapping: Hashable, Sendable {
    /// The BAR's index, 0 to 5.
    public let index: Int
    /// Guest-physical, in bytes; nil while the function does not decode memory accesses.
    public let address: UInt64?
    /// The size of the range in bytes.
    public let byteCount: UInt64

    public init(index: Int, address: UInt64?, byteCount: UInt64) {
        self.index = index
        self.address = address
        self.byteCount = byteCount
    }
}

/// What can be wrong with the description of a function.
public enum ConfigurationError: Error, Equatable, Sendable {
    /// A BAR whose size is no power of two, or does not fit its width, or whose index does not exist.
    case invalidBAR(Int)
    /// Two BARs take the same place in the header.
    case overlappingBAR(Int)
    /// The capabilities do not fit into the 192 bytes behind the header; the identifier of the first that does not.
    case noRoomForCapability(UInt8)
    /// An MSI-X vector count outside 1 to 2048.
    case invalidVectorCount(Int)
}
