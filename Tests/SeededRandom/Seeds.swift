import Foundation

/// The seeds that a test with random content runs with.
public enum Seeds {
    /// A few that are always the same; or, for a long run (Scripts/soak), those that the environment names:
    /// `NEEDLETAIL_SEEDS=FIRST:COUNT`.
    public static func usually(_ seeds: ClosedRange<UInt64>) -> [UInt64] {
        guard let text = ProcessInfo.processInfo.environment["NEEDLETAIL_SEEDS"] else { return Array(seeds) }
        let numbers = text.split(separator: ":", omittingEmptySubsequences: false).map { UInt64($0) }
        guard numbers.count == 2, let first = numbers[0], let count = numbers[1], count > 0, count <= 1 << 20 else {
            fatalError("NEEDLETAIL_SEEDS is '\(text)', not FIRST:COUNT")
        }
        return (0..<count).map { first &+ $0 }
    }
}
