import Host
import Options

// What all kinds of memory backend do alike.

/// A size in whole pages, all in bytes.
func roundedUp(_ byteCount: UInt64, toPage page: UInt64) throws(MemoryBackendError) -> UInt64 {
    let (padded, overflow) = byteCount.addingReportingOverflow(page &- 1)
    let rounded = padded / page * page
    guard !overflow, Int(exactly: rounded) != nil else { throw .sizeTooLarge(byteCount: byteCount) }
    return rounded
}

/// What is worth saying about a size, in bytes as given and as used.
func sizeWarnings(id: String, given: UInt64, used: UInt64) -> [MemoryBackendWarning] {
    var result: [MemoryBackendWarning] = []
    if given != used { result.append(.sizeRoundedUp(id: id, given: given, used: used)) }
    if used % (2 << 20) != 0 { result.append(.sizeLinuxCannotMap(id: id, byteCount: used)) }
    return result
}

extension MemoryOptions {
    /// Passes `merge` and `dump` on as the hints that they are: a kernel built without either feature refuses them.
    func advise(_ mapping: HostMapping, isPrivate: Bool) {
        if merges, isPrivate, !mapping.isReadOnly { try? mapping.allowMerging() }
        if !dumps { try? mapping.excludeFromDump() }
    }

    /// Makes every page present if `prealloc` asks for it.
    func preallocate(_ mapping: HostMapping, id: String) throws(MemoryBackendError) {
        guard preallocates else { return }
        do throws(SystemCallError) {
            try mapping.populate()
        } catch {
            let byteCount = UInt64(clamping: mapping.byteCount)
            throw .cannotPreallocate(subject: "guest memory '\(id)'", byteCount: byteCount, reason: error.errno)
        }
    }
}
