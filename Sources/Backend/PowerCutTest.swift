public import Host

/// Tells which pages of a memory a guest has stored into: KVM's dirty log, made by the owner of the memory slot.
public protocol DirtyPageSource: Sendable {
    /// The pages since the last call. A store is told by this call and visible in the memory when it returns, or told
    /// by a later one.
    func takeDirtyPages() -> PageSet
}

/// The pages of a file, each of 4096 bytes.
protocol PageFile: Sendable {
    func read(_ pages: Range<Int>) throws(SystemCallError) -> [UInt8]
    func write(_ bytes: [UInt8], atPage page: Int) throws(SystemCallError)
    /// Makes durable what was written.
    func synchronize() throws(SystemCallError)
}

/// `durability=power-cut-test`: a file that has what guests flushed, and nothing else, and that a power cut can be
/// played on.
///
/// The guest works on a private copy: a `MAP_PRIVATE` mapping of the file. A page of such a mapping shows the file
/// until the first store into it, and then is a copy of its own for good; so what is written to the file later must
/// never show in a page that is no copy yet, or a guest would see stores that it did not make. It cannot: the lock of
/// the file keeps other writers away, a flush writes only what it has just read from the same pages of the mapping,
/// and a power cut comes when the guest is gone.
///
/// Every page that was stored into is in one of three places: the log of the kernel or of this process, which `collect`
/// empties; the set `unflushed`; or the set `underWay`, of a flush that has not completed. It leaves the last one only
/// when the file has it.
public final class PowerCutTest: Sendable {
    private struct State: Sendable {
        var source: (any DirtyPageSource)?
        var unflushed: PageSet
        /// Of the flush that writes now.
        var underWay: PageSet?
        /// What the file had before, of pages that a flush may have written without completing.
        var oldContent: [Int: ArraySlice<UInt8>] = [:]
        var isCut = false
    }

    /// The most pages that are read and written at once.
    private static let chunk = 256

    private let memory: HostMapping
    private let file: any PageFile
    private let state: ConditionLock<State>

    /// - Parameter memory: a private mapping of the file that logs the stores of this process.
    init(memory: HostMapping, file: any PageFile) {
        self.memory = memory
        self.file = file
        state = ConditionLock(State(unflushed: PageSet(pageCount: memory.byteCount / PageSet.pageByteCount)))
    }

    /// Replaces the source, by nil for none, after taking over what the last one logged. Call it before the old source
    /// goes, and when no more stores reach memory through it.
    public func follow(_ source: (any DirtyPageSource)?) {
        state.withLock { state in
            collect(&state)
            state.source = source
        }
    }

    /// How many pages the file does not have yet; 0 after a power cut, which settled that.
    public var unflushedPageCount: Int {
        state.withLock { state in
            guard !state.isCut else { return 0 }
            collect(&state)
            var pages = state.unflushed
            if let underWay = state.underWay { pages.formUnion(underWay) }
            return pages.count
        }
    }

    /// Whether a power cut has begun.
    var isCut: Bool { state.withLock { $0.isCut } }

    /// Empties the logs. Under the lock, so that no flush can begin between a log and the set.
    private func collect(_ state: inout State) {
        if let pages = state.source?.takeDirtyPages() { state.unflushed.formUnion(pages) }
        if let pages = memory.takeStoredPages() { state.unflushed.formUnion(pages) }
    }
}

// MARK: - Flushing

extension PowerCutTest {
    /// Writes the pages that were stored into before the call, and makes them durable.
    ///
    /// The content is read after the logs were emptied. A store that comes between is in the page that is written, or
    /// not; in any case its bit is set again, and the next flush writes the page again. A store that came before the
    /// call is in the logs, and in the content.
    ///
    /// - Throws: the kernel's reason; the pages are unflushed as before.
    func flush() throws(SystemCallError) {
        guard let pages = begin() else { return }
        do throws(SystemCallError) {
            for range in pages.ranges(limit: Self.chunk) { try write(range) }
            try file.synchronize()
        } catch {
            end(pages, isDurable: false)
            throw error
        }
        end(pages, isDurable: true)
    }

    /// - Returns: the pages to write; nil after a power cut, when a flush does nothing: the guest is gone.
    private func begin() -> PageSet? {
        state.wait(while: { $0.underWay != nil && !$0.isCut }) { state in
            guard !state.isCut else { return nil }
            collect(&state)
            let pages = state.unflushed
            state.unflushed = PageSet(pageCount: pages.pageCount)
            state.underWay = pages
            return pages
        }
    }

    private func write(_ pages: Range<Int>) throws(SystemCallError) {
        let old = try file.read(pages)
        state.withLock { state in
            for (page, content) in zip(pages, Self.pages(of: old)) where state.oldContent[page] == nil {
                state.oldContent[page] = content
            }
        }
        try file.write(try content(of: pages), atPage: pages.lowerBound)
    }

    private func end(_ pages: PageSet, isDurable: Bool) {
        state.withLock { state in
            state.underWay = nil
            // A flush that the power cut found under way was not answered: it counts as none.
            if isDurable, !state.isCut {
                // Nothing is left of earlier flushes that failed: their pages were among these.
                state.oldContent = [:]
            } else {
                state.unflushed.formUnion(pages)
            }
        }
    }

    private func content(of pages: Range<Int>) throws(SystemCallError) -> [UInt8] {
        let size = PageSet.pageByteCount
        do throws(HostMapping.Fault) {
            return try memory.bytes(at: pages.lowerBound * size, count: pages.count * size)
        } catch {
            // The file was truncated: the private pages past its new end are gone, too.
            throw SystemCallError(call: "process_vm_readv", errno: .ioError)
        }
    }

    private static func pages(of bytes: [UInt8]) -> [ArraySlice<UInt8>] {
        stride(from: 0, to: bytes.count, by: PageSet.pageByteCount).map {
            bytes[$0..<min($0 + PageSet.pageByteCount, bytes.count)]
        }
    }
}

// MARK: - The power cut

extension PowerCutTest {
    /// Leaves the file as a power cut might have left it, durably. A flush under way ends first, and counts as none.
    ///
    /// Only when no vCPU can run any more: what is flushed later is not written, and succeeds.
    ///
    /// - Throws: the kernel's reason; the file may then be in between.
    public func cut(_ cut: PowerCut) throws(SystemCallError) -> PowerCutOutcome {
        state.withLock { $0.isCut = true }
        let (pages, oldContent) = state.wait(while: { $0.underWay != nil }) { state in
            collect(&state)
            return (state.unflushed, state.oldContent)
        }
        var outcome = PowerCutOutcome()
        for range in pages.ranges(limit: 1) {
            try settle(range, cut, oldContent[range.lowerBound], &outcome)
        }
        try file.synchronize()
        return outcome
    }

    /// - Parameter old: what the file had before a flush that did not complete; nil if it has that still.
    private func settle(
        _ page: Range<Int>, _ cut: PowerCut, _ old: ArraySlice<UInt8>?, _ outcome: inout PowerCutOutcome
    ) throws(SystemCallError) {
        outcome.unflushed += 1
        switch cut.fate(ofPage: page.lowerBound) {
        case .lost:
            if let old { try file.write(Array(old), atPage: page.lowerBound) }
        case .kept:
            try file.write(try content(of: page), atPage: page.lowerBound)
            outcome.kept += 1
        case .torn:
            let before: ArraySlice<UInt8>
            if let old { before = old } else { before = try file.read(page)[...] }
            let torn = cut.torn(page: page.lowerBound, old: before, new: try content(of: page)[...])
            try file.write(torn, atPage: page.lowerBound)
            outcome.torn += 1
        }
    }
}
