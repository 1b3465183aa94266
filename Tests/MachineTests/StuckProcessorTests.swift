import KVM
import Testing

@testable import Machine

@Suite struct StuckProcessorTests {
    struct Row: CustomTestStringConvertible, Sendable {
        let testDescription: String
        /// Of one vCPU, at each look: faults without result, faults that were fixed.
        let looks: [[UInt64]]
        /// The look that finds it stuck; nil: none does.
        let found: Int?
    }

    @Test(arguments: [
        Row(testDescription: "nothing happens", looks: [[0, 0], [0, 0], [0, 0]], found: nil),
        Row(testDescription: "it boots", looks: [[0, 0], [3, 900], [5, 2000], [5, 2100]], found: nil),
        Row(
            testDescription: "it reads from a cold disk", looks: [[0, 0], [500, 480], [1000, 990], [1500, 1490]],
            found: nil),
        Row(testDescription: "one page never comes", looks: [[0, 100], [40, 100], [80, 100]], found: 2),
        Row(testDescription: "beside other work", looks: [[0, 100], [4000, 200], [8000, 300]], found: 2),
        Row(
            testDescription: "slow for a moment", looks: [[0, 0], [40, 0], [41, 30], [80, 31], [81, 40]], found: nil),
        Row(testDescription: "few retries", looks: [[0, 0], [3, 0], [6, 0], [9, 0]], found: nil),
        Row(testDescription: "counters that go back", looks: [[90, 90], [0, 0], [0, 0]], found: nil),
    ]) func isFound(_ row: Row) {
        var stuck = StuckProcessors()
        let found = row.looks.firstIndex { look in
            // A second vCPU idles; of a third the kernel tells nothing.
            stuck.look([
                PageFaultCounts(unresolved: look[0], fixed: look[1]), PageFaultCounts(unresolved: 5, fixed: 5), nil,
            ])
        }
        #expect(found == row.found)
    }
}
