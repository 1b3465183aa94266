/// A guest-physical address, in bytes.
public struct GuestAddress: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let rawValue: UInt64

    public init(_ rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// The address `byteCount` bytes on; nil past the end of the address space.
    public func advanced(by byteCount: UInt64) -> GuestAddress? {
        let (sum, overflow) = rawValue.addingReportingOverflow(byteCount)
        return overflow ? nil : GuestAddress(sum)
    }

    /// The lowest multiple of `alignment` (a power of two, bytes) that is no lower; nil past the end.
    public func aligned(up alignment: UInt64) -> GuestAddress? {
        advanced(by: alignment &- 1).map { GuestAddress($0.rawValue & ~(alignment &- 1)) }
    }

    public static func < (left: GuestAddress, right: GuestAddress) -> Bool { left.rawValue < right.rawValue }

    public var description: String { "0x" + String(rawValue, radix: 16) }
}

/// A range of guest-physical addresses, never empty, that does not wrap.
public struct GuestRange: Hashable, Sendable, CustomStringConvertible {
    public let start: GuestAddress
    /// The size in bytes, above 0.
    public let byteCount: UInt64
    /// The last address inside.
    public let last: GuestAddress

    /// nil for an empty range, and for one that passes the end of the address space.
    public init?(start: GuestAddress, byteCount: UInt64) {
        guard byteCount > 0, let last = start.advanced(by: byteCount &- 1) else { return nil }
        self.start = start
        self.byteCount = byteCount
        self.last = last
    }

    public func contains(_ address: GuestAddress) -> Bool { start <= address && address <= last }

    public func overlaps(_ other: GuestRange) -> Bool { start <= other.last && other.start <= last }

    public var description: String { "\(start)-\(last)" }
}
