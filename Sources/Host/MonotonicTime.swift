import CLinux

/// A clock that only goes forward.
public enum MonotonicTime {
    /// Nanoseconds since some moment in the past (`CLOCK_MONOTONIC`).
    public static var nanoseconds: UInt64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(clamping: time.tv_sec) &* 1_000_000_000 &+ UInt64(clamping: time.tv_nsec)
    }
}
