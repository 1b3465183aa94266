/// What a power cut leaves of the pages that were stored into and not flushed.
public struct PowerCut: Equatable, Sendable {
    public enum Mode: String, CaseIterable, Sendable {
        /// None of them: the file has what the last flush made durable.
        case drop
        /// Each is there or not, as a coin falls: a disk writes what it was given early, or late, or never.
        case subset
        /// Likewise, and half of them are torn: of every 8 bytes, which a processor stores at once, the new or the old
        /// are there.
        case torn
    }

    public let mode: Mode
    /// The same seed gives the same file for the same stores.
    public let seed: UInt64

    public init(mode: Mode, seed: UInt64) {
        self.mode = mode
        self.seed = seed
    }
}

/// What a power cut came to, in pages of 4096 bytes.
public struct PowerCutOutcome: Equatable, Sendable {
    /// Stored into since the last flush that completed.
    public internal(set) var unflushed = 0
    /// Those of them that the file has as they were.
    public internal(set) var kept = 0
    /// Those of which it has some words.
    public internal(set) var torn = 0
}

extension PowerCut {
    enum Fate {
        case lost, kept, torn
    }

    private static let granule = 8

    /// What becomes of a page. It depends on nothing but the seed and the page, so that one more store elsewhere
    /// changes nothing.
    func fate(ofPage page: Int) -> Fate {
        let number = draw(page: page, 0)
        switch mode {
        case .drop: return .lost
        case .subset: return number & 1 == 0 ? .lost : .kept
        case .torn:
            if number & 2 != 0 { return .torn }
            return number & 1 == 0 ? .lost : .kept
        }
    }

    /// A page of which some words came through; both contents have the same size.
    func torn(page: Int, old: ArraySlice<UInt8>, new: ArraySlice<UInt8>) -> [UInt8] {
        var result = Array(old)
        let new = Array(new)
        for start in stride(from: 0, to: result.count, by: Self.granule) {
            // A number of 64 bits decides on 64 words.
            let word = start / Self.granule
            guard draw(page: page, 1 + word / 64) & (1 << UInt64(word % 64)) != 0 else { continue }
            let end = min(start + Self.granule, result.count)
            result.replaceSubrange(start..<end, with: new[start..<end])
        }
        return result
    }

    /// A number that looks random: SplitMix64's finalizer (Steele, Lea and Flood, 2014) over seed, page and index.
    private func draw(page: Int, _ index: Int) -> UInt64 {
        var value = seed
        for part in [UInt64(truncatingIfNeeded: page), UInt64(truncatingIfNeeded: index)] {
            value = (value ^ part) &+ 0x9e37_79b9_7f4a_7c15
            value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
            value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
            value ^= value >> 31
        }
        return value
    }
}
