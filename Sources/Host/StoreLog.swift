import Synchronization

/// Which pages of a mapping this process stored into: the kernel's log of a guest's stores does not know of them.
///
/// A store and its entry are one step with respect to taking the log. A store that was visible when the log was taken
/// is therefore in that log, or in an earlier one.
final class StoreLog: Sendable {
    private let pages: Mutex<PageSet>

    init(byteCount: Int) {
        pages = Mutex(PageSet(pageCount: (byteCount + PageSet.pageByteCount - 1) / PageSet.pageByteCount))
    }

    /// Makes a store of `byteCount` bytes at `offset`, and enters it, whether it succeeds or not.
    func store<Result: Sendable, Failure: Error>(
        at offset: Int, byteCount: Int, _ store: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try pages.withLock { (pages) throws(Failure) in
            if byteCount > 0 {
                let size = PageSet.pageByteCount
                pages.insert(offset / size..<(offset + byteCount - 1) / size + 1)
            }
            return try store()
        }
    }

    /// The pages since the last call.
    func take() -> PageSet {
        pages.withLock { pages in
            defer { pages = PageSet(pageCount: pages.pageCount) }
            return pages
        }
    }
}

extension HostMapping {
    /// The pages that this process stored into since the last call; nil without `logsStores`. What a guest or the
    /// kernel stores by itself is not among them.
    public func takeStoredPages() -> PageSet? { storeLog?.take() }

    /// Enters a store in the log, if there is one.
    func logged<Result: Sendable, Failure: Error>(
        _ offset: Int, _ byteCount: Int, _ store: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        guard let storeLog else { return try store() }
        return try storeLog.store(at: offset, byteCount: byteCount, store)
    }
}
