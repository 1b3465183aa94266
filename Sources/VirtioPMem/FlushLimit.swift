import Synchronization

/// How often a device may sync: a bucket that holds `burst` tokens, gets `rate` new ones each second, and gives one
/// for each sync. All requests that one sync answers cost one token together, since that is what they cost the disk.
public struct FlushLimit: Equatable, Sendable {
    /// Syncs per second; 0 for no limit.
    public let rate: UInt64
    /// Syncs that may follow each other at once after a pause; at least 1.
    public let burst: UInt64

    public static let none = FlushLimit(rate: 0, burst: 1)

    public init(rate: UInt64, burst: UInt64) {
        self.rate = rate
        self.burst = max(burst, 1)
    }
}

/// Lets a backend's flushes sync no more often than a limit says.
public final class FlushLimiter: Sendable {
    private struct State {
        var limit = FlushLimit.none
        var bucket = TokenBucket(.none, now: 0)
    }

    /// In nanoseconds.
    private let now: @Sendable () -> UInt64
    private let state = Mutex(State())

    /// - Parameter now: a clock that only goes forward, in nanoseconds.
    init(now: @escaping @Sendable () -> UInt64) {
        self.now = now
    }

    /// A new limit begins with a full bucket, and counts for flushes that wait already, too.
    public var limit: FlushLimit {
        get { state.withLock { $0.limit } }
        set {
            state.withLock { state in
                state.limit = newValue
                state.bucket = TokenBucket(newValue, now: now())
            }
        }
    }

    /// Takes a token for a sync.
    ///
    /// - Returns: 0, or how long it is until there may be one, in nanoseconds.
    package func takeTurn() -> UInt64 {
        state.withLock { state in state.limit.rate == 0 ? 0 : state.bucket.take(now: now()) }
    }
}

/// A `FlushLimit` at work. It knows no clock; the caller says what time it is, in nanoseconds.
struct TokenBucket: Sendable {
    private static let second: UInt128 = 1_000_000_000

    private let limit: FlushLimit
    /// In billionths of a token, so that no fraction is lost.
    private var level: UInt128
    private var lastRefill: UInt64

    /// A full bucket.
    init(_ limit: FlushLimit, now: UInt64) {
        self.limit = limit
        level = UInt128(limit.burst) * Self.second
        lastRefill = now
    }

    /// Takes a token.
    ///
    /// - Returns: 0, or how long it is until there is one, in nanoseconds; none is taken then.
    mutating func take(now: UInt64) -> UInt64 {
        guard limit.rate > 0 else { return 0 }
        let elapsed = UInt128(now > lastRefill ? now - lastRefill : 0)
        // No overflow: both factors have 64 bits.
        level = min(level + elapsed * UInt128(limit.rate), UInt128(limit.burst) * Self.second)
        lastRefill = max(now, lastRefill)
        if level >= Self.second {
            level -= Self.second
            return 0
        }
        let missing = Self.second - level
        return UInt64(clamping: (missing + UInt128(limit.rate) - 1) / UInt128(limit.rate))
    }
}
