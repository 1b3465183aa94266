import Testing
import TestSupport
import Virtio
@testable import VirtioPMem

/// A request is answered only by a sync that began after it was available (virtio 1.3, section 5.19.7.1).
@Suite struct HorizonTests {
    struct Outcome: Equatable {
        /// How many of the two requests the first sync answered.
        let answeredByFirstSync: Int
        /// How many syncs there were in the end.
        let syncCount: Int
    }

    /// Publishes a second request while the sync for the first one runs.
    static func publishDuringSync(_ layout: RingLayout, eventIndex: Bool, rule: HorizonRule) throws -> Outcome {
        let harness = try Harness(layout: layout, eventIndex: eventIndex, rule: rule)
        harness.backend.hold()
        try harness.send()
        try wait(for: "the first sync") { harness.backend.startedCount == 1 }
        try harness.send()
        // The second sync, if there is one, waits as well, until the first answers are counted.
        harness.backend.release(1)
        let first = try harness.receive()
        #expect(first == [.success])
        var answered = 1
        try wait(for: "the second sync or the second answer") {
            if try harness.queue.takeUsed() != nil { answered = 2 }
            return answered == 2 || harness.backend.startedCount == 2
        }
        if answered == 1 {
            #expect(try harness.queue.takeUsed() == nil)
            harness.backend.release()
            #expect(try harness.receive() == [.success])
        }
        return Outcome(answeredByFirstSync: answered, syncCount: harness.backend.startedCount)
    }

    @Test(arguments: RingLayout.allCases, [false, true])
    func aRequestThatCameDuringASyncWaitsForTheNext(_ layout: RingLayout, eventIndex: Bool) throws {
        let outcome = try Self.publishDuringSync(layout, eventIndex: eventIndex, rule: .readOnce)
        #expect(outcome == Outcome(answeredByFirstSync: 1, syncCount: 2))
    }

    /// The test above can fail: with the index read once more after the sync, it would.
    @Test(arguments: RingLayout.allCases) func theBrokenRuleIsCaught(_ layout: RingLayout) throws {
        let outcome = try Self.publishDuringSync(layout, eventIndex: false, rule: .readAgainAfterSync)
        #expect(outcome == Outcome(answeredByFirstSync: 2, syncCount: 1))
    }

    struct Batch: CustomTestStringConvertible {
        let layout: RingLayout
        let count: Int
        let isIndirect: Bool
        var testDescription: String { "\(count) outstanding, \(layout)\(isIndirect ? ", indirect" : "")" }
    }

    static let batches: [Batch] = RingLayout.allCases.flatMap { layout in
        [1, 8, 64].flatMap { count in
            [false, true].map { Batch(layout: layout, count: count, isIndirect: $0) }
        }
    }

    /// As many as are available at once cost one sync and one interrupt.
    @Test(arguments: batches) func manyRequestsOneSync(_ batch: Batch) throws {
        let harness = try Harness(layout: batch.layout, size: 128)
        try harness.send(batch.count, indirect: batch.isIndirect)
        #expect(try harness.receive(batch.count) == Array(repeating: .success, count: batch.count))
        try wait(for: "the interrupt") { harness.interruptCount == 1 }
        #expect(harness.backend.startedCount == 1)
        let statistics = harness.durability.figures.statistics
        #expect(statistics.flushCount == UInt64(batch.count))
        #expect(statistics.largestBatch == UInt64(batch.count))
        #expect(statistics.batchCount == 1)
        #expect(statistics.syncCount == 1)
    }

    /// Every request is answered once its own sync ended, whatever the timing: with n requests published one by one,
    /// the number of syncs that had begun when a request was published is less than the number that had ended at its
    /// answer.
    @Test(arguments: RingLayout.allCases) func noAnswerPrecedesItsSync(_ layout: RingLayout) throws {
        let harness = try Harness(layout: layout, eventIndex: true)
        for _ in 0..<1_000 {
            let begunBefore = harness.backend.startedCount
            try harness.send()
            #expect(try harness.receive() == [.success])
            #expect(harness.backend.finishedCount > begunBefore)
        }
        #expect(harness.backend.startedCount == 1_000)
    }
}
