import Synchronization
import Testing
import TestSupport
@testable import VirtioPMem

/// The token bucket by itself, with a clock of the test's.
@Suite struct TokenBucketTests {
    static let millisecond: UInt64 = 1_000_000

    struct Row: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let limit: FlushLimit
        /// Pairs of milliseconds since the start, and the delay in milliseconds.
        let steps: [[UInt64]]
    }

    @Test(arguments: [
        Row(testDescription: "no limit", limit: .none, steps: [[0, 0], [0, 0], [0, 0]]),
        Row(
            testDescription: "10 per second, one at once", limit: FlushLimit(rate: 10, burst: 1),
            steps: [[0, 0], [0, 100], [50, 50], [100, 0], [100, 100], [1000, 0], [1000, 100]]),
        Row(
            testDescription: "burst of three", limit: FlushLimit(rate: 10, burst: 3),
            steps: [
                [0, 0], [0, 0], [0, 0], [0, 100], [100, 0], [110, 90], [10_000, 0], [10_000, 0], [10_000, 0],
                [10_000, 100],
            ]),
        Row(
            testDescription: "a clock that goes back", limit: FlushLimit(rate: 10, burst: 1),
            steps: [[100, 0], [0, 100], [200, 0]]),
        Row(
            testDescription: "a burst of 0 is one", limit: FlushLimit(rate: 1, burst: 0), steps: [[0, 0], [0, 1000]]),
        Row(
            testDescription: "the largest numbers", limit: FlushLimit(rate: .max, burst: .max),
            steps: [[0, 0], [0, 0]]),
    ]) func tokens(_ row: Row) {
        var bucket = TokenBucket(row.limit, now: 0)
        for step in row.steps {
            #expect(bucket.take(now: step[0] * Self.millisecond) == step[1] * Self.millisecond, "at \(step[0]) ms")
        }
    }

    /// However often it is asked, no more than burst plus rate times seconds are given.
    @Test(arguments: [1, 3, 7, 1000] as [UInt64]) func neverMoreThanTheRate(_ rate: UInt64) {
        var bucket = TokenBucket(FlushLimit(rate: rate, burst: 2), now: 0)
        var given: UInt64 = 0
        for time in stride(from: 0, through: 10_000 * Self.millisecond, by: 333_333) {
            if bucket.take(now: time) == 0 { given += 1 }
        }
        #expect(given <= 2 + 10 * rate)
        #expect(given >= 10 * rate)
    }
}

/// A device with a limit.
@Suite struct FlushLimitTests {
    /// Requests that come while one waits share its sync, and no answer comes without a token.
    @Test(arguments: RingLayout.allCases) func aThrottledDeviceBatches(_ layout: RingLayout) throws {
        let time = Mutex<UInt64>(1)
        let harness = try Harness(layout: layout, now: { time.withLock { $0 } })
        harness.durability.limiter.limit = FlushLimit(rate: 1, burst: 1)
        #expect(try harness.flush() == .success)
        try harness.send(2)
        try wait(for: "the worker to wait") { harness.durability.figures.statistics.throttledCount == 1 }
        try harness.send(3)
        harness.ring()
        #expect(harness.backend.startedCount == 1)
        #expect(try harness.queue.takeUsed() == nil)
        time.withLock { $0 += 1_000_000_000 }
        #expect(try harness.receive(5) == Array(repeating: .success, count: 5))
        #expect(harness.backend.startedCount == 2)
        #expect(harness.durability.figures.statistics.largestBatch == 5)
    }

    @Test func aLimitThatIsLiftedLetsTheWaitingGo() throws {
        let harness = try Harness(now: { 1 })
        harness.durability.limiter.limit = FlushLimit(rate: 1, burst: 1)
        #expect(try harness.flush() == .success)
        try harness.send()
        try wait(for: "the worker to wait") { harness.durability.figures.statistics.throttledCount == 1 }
        harness.durability.limiter.limit = .none
        #expect(try harness.receive() == [.success])
    }

    @Test func aResetDoesNotWaitForTheLimit() throws {
        let harness = try Harness(now: { 1 })
        harness.durability.limiter.limit = FlushLimit(rate: 1, burst: 1)
        #expect(try harness.flush() == .success)
        try harness.send()
        try wait(for: "the worker to wait") { harness.durability.figures.statistics.throttledCount == 1 }
        harness.transport.core.writeStatus(0)
        try wait(for: "the reset") { harness.transport.core.status == [] }
        #expect(harness.backend.startedCount == 1)
        #expect(try harness.queue.takeUsed() == nil)
    }

    /// What costs no sync takes no token.
    @Test func whatSyncsNothingIsNotThrottled() throws {
        let harness = try Harness(backend: FakeBackend(reachesFile: false), now: { 1 })
        harness.durability.limiter.limit = FlushLimit(rate: 1, burst: 1)
        for _ in 0..<5 { #expect(try harness.flush() == .failure) }
        #expect(harness.durability.figures.statistics.throttledCount == 0)
    }

    /// Another device is as fast as ever.
    @Test func noOtherDeviceNotices() throws {
        let slow = try Harness(now: { 1 })
        slow.durability.limiter.limit = FlushLimit(rate: 1, burst: 1)
        try slow.send()
        _ = try slow.receive()
        try slow.send()
        try wait(for: "the worker to wait") { slow.durability.figures.statistics.throttledCount == 1 }
        let other = try Harness()
        for _ in 0..<200 { #expect(try other.flush() == .success) }
        #expect(slow.backend.startedCount == 1)
    }

    /// With a real clock: 20 syncs per second and one at once, so 11 flushes take half a second.
    @Test func theRateHolds() throws {
        let harness = try Harness()
        harness.durability.limiter.limit = FlushLimit(rate: 20, burst: 1)
        let begin = ContinuousClock.now
        for _ in 0..<11 { #expect(try harness.flush() == .success) }
        #expect(ContinuousClock.now - begin >= .milliseconds(500))
    }
}

@Suite struct LatencyHistogramTests {
    @Test func quantilesAreRightToSixPercent() {
        var histogram = LatencyHistogram()
        #expect(histogram.quantile(0.5) == 0)
        for value in 1...100_000 as ClosedRange<UInt64> { histogram.record(value * 1000) }
        #expect(histogram.count == 100_000)
        #expect(histogram.maximum == 100_000_000)
        for (share, exact) in [(0.5, 50_000_000), (0.9, 90_000_000), (0.99, 99_000_000), (1, 100_000_000)]
            as [(Double, UInt64)]
        {
            let value = histogram.quantile(share)
            #expect(value >= exact && Double(value) <= Double(exact) * 1.0625, "\(share): \(value)")
        }
    }

    @Test(arguments: [0, 1, 15, 16, 17, 31, 32, 1 << 20, 1 << 42, .max] as [UInt64])
    func anyDuration(_ duration: UInt64) {
        var histogram = LatencyHistogram()
        histogram.record(duration)
        #expect(histogram.quantile(1) == min(duration, histogram.maximum))
        #expect(histogram.quantile(0.5) <= duration)
    }
}
