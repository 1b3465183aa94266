import Glibc

/// Waits until a condition holds; looks every tenth of a millisecond, for at most `seconds`.
public func wait(for what: String, seconds: Double = 20, until condition: () throws -> Bool) throws {
    for round in 0..<Int(seconds * 10_000) {
        if try condition() { return }
        // Most of what is waited for takes some microseconds.
        if round < 20 { sched_yield() } else { usleep(100) }
    }
    throw SupportError.timedOut(what)
}
