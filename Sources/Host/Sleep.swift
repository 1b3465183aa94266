import CLinux

/// Short waits for something that gives no event.
public enum Sleep {
    public static func milliseconds(_ count: UInt32) { usleep(count * 1000) }
}
