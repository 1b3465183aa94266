import Synchronization

/// How many bytes a guest may have in each period (QEMU's `max-bytes` and `period`).
public struct EntropyLimit: Equatable, Sendable {
    public let maximumByteCount: UInt64
    public let periodMilliseconds: UInt32

    /// QEMU's defaults, which amount to no limit.
    public static let none = EntropyLimit(maximumByteCount: UInt64(Int64.max), periodMilliseconds: 65536)

    public init(maximumByteCount: UInt64, periodMilliseconds: UInt32) {
        self.maximumByteCount = maximumByteCount
        self.periodMilliseconds = periodMilliseconds
    }
}

/// An `EntropyLimit` at work. A period begins with the first request after the end of the last one, as in QEMU. It
/// outlives resets of the device, so that a guest gains nothing by them.
final class EntropyQuota: Sendable {
    private struct Period {
        let end: UInt64
        var remaining: UInt64
    }

    private let limit: EntropyLimit
    /// In nanoseconds.
    private let now: @Sendable () -> UInt64
    private let period = Mutex<Period?>(nil)

    init(_ limit: EntropyLimit, now: @escaping @Sendable () -> UInt64) {
        self.limit = limit
        self.now = now
    }

    enum Allowance: Equatable {
        /// So many bytes, above 0.
        case bytes(UInt64)
        /// Nothing for so many nanoseconds, above 0.
        case nothing(UInt64)
    }

    /// What a guest may have now.
    var allowance: Allowance {
        let now = now()
        return period.withLock { period in
            let running = period.flatMap { $0.end > now ? $0 : nil }
            let (end, overflow) = now.addingReportingOverflow(UInt64(limit.periodMilliseconds) * 1_000_000)
            let current = running ?? Period(end: overflow ? .max : end, remaining: limit.maximumByteCount)
            period = current
            return current.remaining > 0
                ? .bytes(current.remaining) : .nothing(current.end > now ? current.end - now : 1)
        }
    }

    /// The guest gets bytes, no more than it may have.
    func spend(_ byteCount: Int) {
        period.withLock { period in
            let remaining = period?.remaining ?? 0
            period?.remaining = remaining - min(UInt64(clamping: byteCount), remaining)
        }
    }
}
