import Host
import Synchronization
import SystemPackage
import Testing

@testable import Backend

/// The rules of a power-cut test, with a file in memory and a guest that is this test.
@Suite struct PowerCutTestTests {
    // MARK: Flushes

    @Test func aFlushWritesExactlyThePagesThatWereStoredInto() throws {
        let stage = try Stage()
        for page in [1, 3, 4, 15] { try stage.guestStores(page: page, 7) }
        #expect(stage.test.unflushedPageCount == 4)
        #expect(stage.file.content == Stage.old)
        try stage.test.flush()
        #expect(stage.file.takeWrites() == [1..<2, 3..<5, 15..<16])
        #expect(stage.file.content == Stage.content { [1, 3, 4, 15].contains($0) ? 7 : UInt8($0) })
        #expect(stage.test.unflushedPageCount == 0 && stage.file.syncCount == 1)
        try stage.test.flush()
        #expect(stage.file.takeWrites() == [] && stage.file.syncCount == 2)
    }

    /// A ring, or the answer to a request, that lies in the memory: no guest's log knows of it.
    @Test func whatTheMonitorStoresCountsToo() throws {
        let stage = try Stage(logsStores: true)
        try stage.monitorStores(page: 5, 9)
        #expect(stage.test.unflushedPageCount == 1)
        try stage.test.flush()
        #expect(stage.file.page(5) == 9)
        try stage.monitorStores(page: 5, 10)
        #expect(stage.test.unflushedPageCount == 1)
    }

    /// Wherever in a flush the guest stores again, the next flush writes the page again.
    @Test(arguments: FakeFile.Step.allCases) func aStoreDuringAFlushIsForTheNext(step: FakeFile.Step) throws {
        let stage = try Stage()
        try stage.guestStores(page: 2, 7)
        stage.file.during(step) { try? stage.guestStores(page: 2, 8) }
        try stage.test.flush()
        #expect(stage.test.unflushedPageCount == 1)
        try stage.test.flush()
        #expect(stage.file.page(2) == 8 && stage.test.unflushedPageCount == 0)
    }

    /// Counting the unflushed pages empties the log: no flush may miss what the count took out of it.
    @Test(arguments: FakeFile.Step.allCases) func askingLosesNothing(step: FakeFile.Step) throws {
        let stage = try Stage()
        let counts = Mutex<[Int]>([])
        try stage.guestStores(page: 2, 7)
        stage.file.during(step) {
            try? stage.guestStores(page: 3, 8)
            counts.withLock { $0.append(stage.test.unflushedPageCount) }
        }
        try stage.test.flush()
        #expect(counts.withLock { $0 } == [2])
        #expect(stage.test.unflushedPageCount == 1)
        try stage.test.flush()
        #expect(stage.file.page(2) == 7 && stage.file.page(3) == 8)
    }

    @Test(arguments: FakeFile.Step.allCases) func aFlushThatFailsLosesNoPage(step: FakeFile.Step) throws {
        let stage = try Stage()
        for page in 2..<4 { try stage.guestStores(page: page, 7) }
        stage.file.fail(at: step)
        #expect(throws: SystemCallError.self) { try stage.test.flush() }
        try stage.guestStores(page: 9, 9)
        #expect(stage.test.unflushedPageCount == 3)
        stage.file.fail(at: nil)
        try stage.test.flush()
        #expect(stage.file.content == Stage.content { $0 == 9 ? 9 : (2..<4).contains($0) ? 7 : UInt8($0) })
        #expect(stage.test.unflushedPageCount == 0)
    }

    @Test func anotherSourceTakesOver() throws {
        let stage = try Stage()
        try stage.guestStores(page: 1, 7)
        let next = FakeSource(pageCount: Stage.pageCount)
        stage.test.follow(next)
        #expect(stage.test.unflushedPageCount == 1)
        next.mark(2..<3)
        stage.test.follow(nil)
        next.mark(4..<5)
        #expect(stage.test.unflushedPageCount == 2)
    }

    // MARK: Cuts

    @Test func droppedIsWhatWasNotFlushed() throws {
        let stage = try Stage()
        try stage.guestStores(page: 1, 7)
        try stage.test.flush()
        try stage.guestStores(page: 1, 8)
        try stage.guestStores(page: 2, 8)
        let outcome = try stage.test.cut(PowerCut(mode: .drop, seed: 5))
        #expect(outcome == PowerCutOutcome(unflushed: 2, kept: 0, torn: 0))
        #expect(stage.file.content == Stage.content { $0 == 1 ? 7 : UInt8($0) })
        #expect(stage.test.unflushedPageCount == 0)
        try stage.test.flush()
        #expect(stage.file.page(2) == 2)
    }

    /// A flush that had not been answered may have reached the disk or not: its pages are drawn like all others.
    @Test(arguments: PowerCut.Mode.allCases) func aFlushUnderWayCountsAsNone(mode: PowerCut.Mode) throws {
        let stage = try Stage()
        for page in 0..<8 { try stage.guestStores(page: page, 70) }
        let (flushes, mayEnd) = (try EventFD(), try EventFD())
        stage.file.during(.synchronize) {
            flushes.signal()
            try? mayEnd.waitUntilSignalled()
        }
        let flush = try HostThread(name: "flush") { try? stage.test.flush() }
        try flushes.waitUntilSignalled()
        let result = Mutex<PowerCutOutcome?>(nil)
        let cut = try HostThread(name: "cut") {
            let outcome = try? stage.test.cut(PowerCut(mode: mode, seed: 3))
            result.withLock { $0 = outcome }
        }
        // The cut waits for the flush, whose disk cannot be interrupted.
        while !stage.isCut { Sleep.milliseconds(1) }
        mayEnd.signal()
        for thread in [flush, cut] { thread.join() }
        let calm = try Stage()
        for page in 0..<8 { try calm.guestStores(page: page, 70) }
        let expected = try calm.test.cut(PowerCut(mode: mode, seed: 3))
        #expect(result.withLock { $0 } == expected && expected.unflushed == 8)
        #expect(stage.file.content == calm.file.content)
        if mode == .drop { #expect(stage.file.content == Stage.old) }
    }

    /// What a failed flush had written is as lost as if it had not.
    @Test func aFailedFlushIsDroppedWhole() throws {
        let stage = try Stage()
        try stage.guestStores(page: 6, 70)
        stage.file.fail(at: .synchronize)
        for value in [70, 71] as [UInt8] {
            try stage.guestStores(page: 6, value)
            #expect(throws: SystemCallError.self) { try stage.test.flush() }
            #expect(stage.file.page(6) == value)
        }
        stage.file.fail(at: nil)
        _ = try stage.test.cut(PowerCut(mode: .drop, seed: 0))
        #expect(stage.file.content == Stage.old)
    }

    private func afterCut(_ mode: PowerCut.Mode, seed: UInt64, pages: Range<Int> = 0..<16) throws -> [UInt8] {
        let stage = try Stage()
        for page in pages { try stage.guestStores(page: page, 0xff) }
        let outcome = try stage.test.cut(PowerCut(mode: mode, seed: seed))
        #expect(outcome.unflushed == pages.count)
        let content = stage.file.content
        let whole = pages.count { content[$0 << 12..<($0 + 1) << 12].allSatisfy { $0 == 0xff } }
        #expect(outcome.kept == whole)
        return content
    }

    @Test(arguments: [PowerCut.Mode.subset, .torn]) func theSeedDecides(mode: PowerCut.Mode) throws {
        let contents = try (0..<20).map { try afterCut(mode, seed: $0) }
        for seed in 0..<20 { #expect(try afterCut(mode, seed: UInt64(seed)) == contents[seed]) }
        #expect(Set(contents).count == 20)
    }

    /// One more page elsewhere changes nothing about the others.
    @Test(arguments: [PowerCut.Mode.subset, .torn]) func eachPageIsDrawnByItself(mode: PowerCut.Mode) throws {
        #expect(try afterCut(mode, seed: 4, pages: 0..<8).prefix(8 << 12) == afterCut(mode, seed: 4).prefix(8 << 12))
    }

    @Test func subsetKeepsWholePagesAndAboutHalf() throws {
        var kept = 0
        for seed in 0..<40 {
            let content = try afterCut(.subset, seed: UInt64(seed))
            for page in 0..<16 {
                let bytes = Set(content[page << 12..<(page + 1) << 12])
                #expect(bytes == [0xff] || bytes == [UInt8(page)])
                if bytes == [0xff] { kept += 1 }
            }
        }
        #expect((240...400).contains(kept), "\(kept) of 640")
    }

    @Test func tornPagesAreMixedInWordsOf8Bytes() throws {
        var torn = 0
        for seed in 0..<10 {
            let content = try afterCut(.torn, seed: UInt64(seed))
            for page in 0..<16 {
                let words = stride(from: page << 12, to: (page + 1) << 12, by: 8).map { Set(content[$0..<$0 + 8]) }
                #expect(words.allSatisfy { $0 == [0xff] || $0 == [UInt8(page)] })
                let new = words.count { $0 == [0xff] }
                if new != 0, new != 512 {
                    torn += 1
                    #expect((180...332).contains(new), "\(new) of 512 words")
                }
            }
        }
        #expect((50...110).contains(torn), "\(torn) of 160")
    }

    /// A seed gives the same result in every version.
    @Test func seedsKeepTheirMeaning() {
        let cut = PowerCut(mode: .torn, seed: 42)
        let letters = (0..<24).map { page in
            switch cut.fate(ofPage: page) {
            case .lost: "l"
            case .kept: "k"
            case .torn: "t"
            }
        }
        #expect(letters.joined() == "ltlltltttttllkkttltktktt")
    }
}

/// A test of 16 pages, each filled with its number at first, on a file in memory.
private final class Stage: Sendable {
    static let pageCount = 16
    static let old = content { UInt8($0) }

    let file = FakeFile(Stage.old)
    let test: PowerCutTest
    private let memory: HostMapping
    private let source = FakeSource(pageCount: Stage.pageCount)

    static func content(_ byte: (Int) -> UInt8) -> [UInt8] {
        (0..<pageCount).flatMap { [UInt8](repeating: byte($0), count: 4096) }
    }

    init(logsStores: Bool = false) throws {
        memory = try HostMapping(.anonymous(reserve: false), byteCount: Self.pageCount << 12, logsStores: logsStores)
        test = PowerCutTest(memory: memory, file: file)
        for page in 0..<Self.pageCount { try monitorStores(page: page, UInt8(page)) }
        _ = memory.takeStoredPages()
        test.follow(source)
    }

    /// The processor sets the bit when it stores.
    func guestStores(page: Int, _ value: UInt8) throws {
        try monitorStores(page: page, value)
        source.mark(page..<page + 1)
    }

    func monitorStores(page: Int, _ value: UInt8) throws {
        for offset in stride(from: page << 12, to: (page + 1) << 12, by: 512) {
            let bytes = [UInt8](repeating: value, count: 512)
            try unsafe bytes.withUnsafeBytes { try unsafe memory.copy($0, to: offset) }
        }
    }

    /// Whether a cut has begun: flushes do nothing any more.
    var isCut: Bool { test.isCut }
}

private final class FakeSource: DirtyPageSource {
    private let pages: Mutex<PageSet>

    init(pageCount: Int) { pages = Mutex(PageSet(pageCount: pageCount)) }

    func mark(_ range: Range<Int>) { pages.withLock { $0.insert(range) } }

    func takeDirtyPages() -> PageSet {
        pages.withLock { pages in
            defer { pages = PageSet(pageCount: pages.pageCount) }
            return pages
        }
    }
}

/// A file in memory. Something can happen, once, during any step of a flush, and any can fail.
final class FakeFile: PageFile {
    enum Step: CaseIterable, Sendable {
        case read, write, synchronize
    }

    private struct State {
        var content: [UInt8]
        var writes: [Range<Int>] = []
        var syncCount = 0
        var failing: Step?
        var event: (Step, @Sendable () -> Void)?
    }

    private let state: Mutex<State>

    init(_ content: [UInt8]) { state = Mutex(State(content: content)) }

    var content: [UInt8] { state.withLock { $0.content } }
    var syncCount: Int { state.withLock { $0.syncCount } }
    func page(_ page: Int) -> UInt8 { content[page << 12] }
    func fail(at step: Step?) { state.withLock { $0.failing = step } }
    func during(_ step: Step, _ body: @escaping @Sendable () -> Void) { state.withLock { $0.event = (step, body) } }

    func takeWrites() -> [Range<Int>] {
        state.withLock { state in
            defer { state.writes = [] }
            return state.writes
        }
    }

    func read(_ pages: Range<Int>) throws(SystemCallError) -> [UInt8] {
        try begin(.read)
        return Array(content[pages.lowerBound << 12..<pages.upperBound << 12])
    }

    func write(_ bytes: [UInt8], atPage page: Int) throws(SystemCallError) {
        try begin(.write)
        state.withLock { state in
            state.content.replaceSubrange(page << 12..<(page << 12) + bytes.count, with: bytes)
            state.writes.append(page..<page + bytes.count >> 12)
        }
    }

    func synchronize() throws(SystemCallError) {
        state.withLock { $0.syncCount += 1 }
        try begin(.synchronize)
    }

    private func begin(_ step: Step) throws(SystemCallError) {
        let event: (@Sendable () -> Void)? = state.withLock { state in
            guard let (when, body) = state.event, when == step else { return nil }
            state.event = nil
            return body
        }
        event?()
        if state.withLock({ $0.failing == step }) { throw SystemCallError(call: "\(step)", errno: .ioError) }
    }
}
