import CLinux
import SystemPackage

/// How much of a file lies in the kernel's page cache.
public struct PageCacheUsage: Equatable, Sendable {
    /// In bytes.
    public let resident: UInt64
    /// Of those, the bytes that the disk does not have yet, on their way there or not; nil where the kernel does not
    /// tell.
    public let dirty: UInt64?

    public init(resident: UInt64, dirty: UInt64?) {
        self.resident = resident
        self.dirty = dirty
    }
}

extension OwnedDescriptor {
    /// Asks the page cache (`cachestat`, Linux 6.5).
    ///
    /// - Parameters:
    ///   - offset: in bytes.
    ///   - byteCount: above 0.
    /// - Throws: `noFunction` before Linux 6.5.
    public borrowing func pageCacheUsage(offset: UInt64, byteCount: UInt64) throws(SystemCallError) -> PageCacheUsage {
        var range = nt_cachestat_range(off: offset, len: byteCount)
        var counts = nt_cachestat_counts()
        let number = rawValue
        try systemCall("cachestat") { unsafe nt_cachestat(number, &range, &counts) }
        let page: UInt64 = 4096
        return PageCacheUsage(
            resident: counts.nr_cache &* page, dirty: (counts.nr_dirty &+ counts.nr_writeback) &* page)
    }
}

extension HostMapping {
    /// How many bytes of the mapping are in memory (`mincore`); nil if the kernel does not tell.
    public func residentByteCount() -> UInt64? {
        // A byte for each page: the answer comes in pieces that stay small.
        let piece = 64 << 20
        var pages = [UInt8](repeating: 0, count: piece / 4096)
        var total: UInt64 = 0
        for offset in stride(from: 0, to: byteCount, by: piece) {
            let count = min(piece, byteCount - offset)
            let address = hostAddress + UInt64(offset)
            let isKnown = unsafe pages.withUnsafeMutableBufferPointer { buffer in
                unsafe mincore(UnsafeMutableRawPointer(bitPattern: UInt(address)), count, buffer.baseAddress) == 0
            }
            guard isKnown else { return nil }
            total += UInt64(pages[..<((count + 4095) / 4096)].count { $0 & 1 != 0 }) * 4096
        }
        return total
    }
}
