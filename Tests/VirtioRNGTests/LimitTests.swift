import Synchronization
import Testing
import TestSupport
@testable import VirtioRNG

/// `max-bytes` in each `period`, as QEMU counts them.
@Suite struct LimitTests {
    static let millisecond: UInt64 = 1_000_000

    @Test func theQuotaOfAPeriod() {
        let time = Mutex<UInt64>(5 * Self.millisecond)
        let quota = EntropyQuota(
            EntropyLimit(maximumByteCount: 10, periodMilliseconds: 100), now: { time.withLock { $0 } })
        #expect(quota.allowance == .bytes(10))
        quota.spend(4)
        #expect(quota.allowance == .bytes(6))
        quota.spend(6)
        #expect(quota.allowance == .nothing(100 * Self.millisecond))
        time.withLock { $0 = 104 * Self.millisecond }
        #expect(quota.allowance == .nothing(Self.millisecond))
        time.withLock { $0 = 105 * Self.millisecond }
        #expect(quota.allowance == .bytes(10))
        // The next period began with that request.
        quota.spend(10)
        time.withLock { $0 = 204 * Self.millisecond }
        #expect(quota.allowance == .nothing(Self.millisecond))
    }

    @Test(arguments: [
        EntropyLimit(maximumByteCount: .max, periodMilliseconds: .max),
        EntropyLimit(maximumByteCount: .max, periodMilliseconds: 0),
        EntropyLimit.none,
    ]) func theLargestNumbers(_ limit: EntropyLimit) {
        for now in [0, 1, .max] as [UInt64] {
            let quota = EntropyQuota(limit, now: { now })
            #expect(quota.allowance == .bytes(limit.maximumByteCount))
            quota.spend(.max)
            quota.spend(-1)
            _ = quota.allowance
        }
    }

    @Test func nothingAtAll() {
        let quota = EntropyQuota(EntropyLimit(maximumByteCount: 0, periodMilliseconds: 1), now: { .max })
        #expect(quota.allowance == .nothing(1))
    }

    /// A guest gets no more than its bytes, whatever it sends, and nothing more by a reset.
    @Test(arguments: RingLayout.allCases) func aDeviceKeepsToIt(_ layout: RingLayout) throws {
        let time = Mutex<UInt64>(1)
        let lookCount = Mutex(0)
        let source = CountingSource()
        let harness = try Harness(
            source, layout: layout, limit: EntropyLimit(maximumByteCount: 10, periodMilliseconds: 1000),
            now: {
                lookCount.withLock { $0 += 1 }
                return time.withLock { $0 }
            })
        try harness.send([[.writable(harness.address(0), 8)], [.writable(harness.address(1), 8)]])
        #expect(try [harness.receive(), harness.receive()] == [8, 2])
        try harness.restart()
        try harness.send([[.writable(harness.address(2), 8)]])
        time.withLock { $0 = 1000 * Self.millisecond }
        let seen = lookCount.withLock { $0 }
        // The second look at the clock from here on sees the time; the third follows what was done at that time.
        try wait(for: "the worker to find the period not over") { lookCount.withLock { $0 } > seen + 2 }
        #expect(source.readings == [10])
        time.withLock { $0 += 1 }
        #expect(try harness.receive() == 8)
        #expect(source.readings == [10, 8])
    }
}
