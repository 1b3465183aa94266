/// Durations in nanoseconds, counted in steps of a sixteenth of a power of two: every figure is right to 6 percent. It
/// takes 5 KiB, and none before the first duration.
public struct LatencyHistogram: Equatable, Sendable {
    /// Steps within a power of two, as a power of two.
    private static let precision = 4
    /// Longer ones, above an hour, count as the longest.
    private static let longest: UInt64 = 1 << 42
    private static let stepCount = index(of: longest) + 1

    private var counts: [UInt64] = []
    public private(set) var count: UInt64 = 0
    /// The longest, in nanoseconds; 0 if there is none.
    public private(set) var maximum: UInt64 = 0

    public init() {}

    mutating func record(_ duration: UInt64) {
        if counts.isEmpty { counts = [UInt64](repeating: 0, count: Self.stepCount) }
        counts[Self.index(of: min(duration, Self.longest))] &+= 1
        count &+= 1
        maximum = max(maximum, duration)
    }

    /// A duration that this share of all, from 0 to 1, did not pass; in nanoseconds, 0 if there is none.
    public func quantile(_ share: Double) -> UInt64 {
        let wanted = UInt64((share * Double(count)).rounded(.up))
        var seen: UInt64 = 0
        for (index, count) in counts.enumerated() {
            seen &+= count
            guard count > 0, seen >= wanted else { continue }
            return index == Self.stepCount - 1 ? maximum : min(Self.last(in: index), maximum)
        }
        return maximum
    }

    private static func index(of duration: UInt64) -> Int {
        let magnitude = 63 - duration.leadingZeroBitCount
        guard magnitude >= precision else { return Int(duration) }
        let shift = magnitude - precision
        return (shift + 1) << precision + Int(duration >> UInt64(shift)) - 1 << precision
    }

    /// The longest duration that is counted at an index.
    private static func last(in index: Int) -> UInt64 {
        guard index >= 2 << precision else { return UInt64(index) }
        let shift = index >> precision - 1
        let step = UInt64(index & (1 << precision - 1) + 1 << precision)
        return (step + 1) << UInt64(shift) - 1
    }
}
