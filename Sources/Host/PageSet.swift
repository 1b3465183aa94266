/// A set of pages of a mapping, in the form of the kernel's dirty logs: 64 pages to a word, the lowest bit first.
public struct PageSet: Equatable, Sendable {
    /// The size of each page, in bytes.
    public static let pageByteCount = 4096

    /// How many pages there are to be in the set or not.
    public let pageCount: Int
    private var words: [UInt64]

    /// The empty set.
    ///
    /// - Parameter pageCount: not negative.
    public init(pageCount: Int) {
        self.pageCount = pageCount
        words = Array(repeating: 0, count: Self.wordCount(pageCount))
    }

    /// A set as the kernel tells it; bits beyond the last page are left out.
    public init(words: [UInt64], pageCount: Int) {
        self.init(pageCount: pageCount)
        for (index, word) in zip(self.words.indices, words) { self.words[index] = word }
        let used = pageCount % 64
        if used > 0, let last = self.words.indices.last { self.words[last] &= (1 << UInt64(used)) - 1 }
    }

    /// How many words a set of so many pages has.
    public static func wordCount(_ pageCount: Int) -> Int { pageCount / 64 + (pageCount % 64 == 0 ? 0 : 1) }

    /// Every page.
    public static func all(pageCount: Int) -> PageSet {
        PageSet(words: Array(repeating: .max, count: wordCount(pageCount)), pageCount: pageCount)
    }

    /// How many pages are in the set.
    public var count: Int { words.reduce(0) { $0 + $1.nonzeroBitCount } }

    public func contains(_ page: Int) -> Bool {
        page >= 0 && page < pageCount && words[page / 64] & (1 << UInt64(page % 64)) != 0
    }

    /// Adds pages; those that are not there are left out.
    public mutating func insert(_ pages: Range<Int>) {
        for page in pages.clamped(to: 0..<pageCount) { words[page / 64] |= 1 << UInt64(page % 64) }
    }

    public mutating func formUnion(_ other: PageSet) {
        for (index, word) in zip(words.indices, other.words) { words[index] |= word }
    }

    /// The set in ranges of neighbours, in order.
    ///
    /// - Parameter limit: the most pages of a range; above 0.
    public func ranges(limit: Int) -> [Range<Int>] {
        var result: [Range<Int>] = []
        forEach { page in
            if let last = result.last, last.upperBound == page, last.count < limit {
                result[result.endIndex - 1] = last.lowerBound..<page + 1
            } else {
                result.append(page..<page + 1)
            }
        }
        return result
    }

    /// Calls `body` for each page, in order.
    private func forEach(_ body: (Int) -> Void) {
        for (index, word) in words.enumerated() {
            var rest = word
            while rest != 0 {
                body(index * 64 + rest.trailingZeroBitCount)
                rest &= rest - 1
            }
        }
    }
}
