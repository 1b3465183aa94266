/// `x-needletail-power-cut`: what of the stores that were not flushed a power cut leaves in the files of memory
/// backends with `durability=power-cut-test`.
public struct PowerCutOptions: Equatable, Sendable {
    public enum Mode: String, CaseIterable, Sendable {
        /// Nothing of them.
        case drop
        /// Some of their pages.
        case subset
        /// Some of their pages, and of some pages some words.
        case torn
    }

    public var mode: Mode
    /// Decides which; the same seed decides the same.
    public var seed: UInt64

    public init(mode: Mode = .drop, seed: UInt64 = 0) {
        self.mode = mode
        self.seed = seed
    }
}

/// What a power cut came to for one memory backend, in pages of 4096 bytes.
public struct PowerCutReport: Equatable, Sendable {
    /// The backend's id.
    public var memoryBackend: String
    public var path: String
    /// Stored into since the last flush that completed; of those, the file has the kept ones, and parts of the torn
    /// ones.
    public var unflushed: Int
    public var kept: Int
    public var torn: Int
    public var lost: Int { unflushed - kept - torn }

    public init(memoryBackend: String, path: String, unflushed: Int, kept: Int, torn: Int) {
        self.memoryBackend = memoryBackend
        self.path = path
        self.unflushed = unflushed
        self.kept = kept
        self.torn = torn
    }
}

/// A sentence for a person.
public func powerCutText(_ report: PowerCutReport) -> String {
    "\(report.memoryBackend): unflushed pages in \(report.path): \(report.unflushed) "
        + "(\(report.lost) lost, \(report.kept) kept, \(report.torn) torn)"
}
