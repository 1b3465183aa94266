import Host

/// The part of a backing file that a memory shows, as pages.
final class BackingPages: PageFile {
    private let descriptor: OwnedDescriptor
    private let path: String
    /// Where the first page is, in bytes.
    private let offset: UInt64

    /// - Parameter descriptor: open for reading and writing.
    init(_ descriptor: consuming OwnedDescriptor, path: String, offset: UInt64) {
        self.descriptor = descriptor
        self.path = path
        self.offset = offset
    }

    func read(_ pages: Range<Int>) throws(SystemCallError) -> [UInt8] {
        let count = pages.count * PageSet.pageByteCount
        let bytes = try named { () throws(SystemCallError) in
            try descriptor.bytes(at: place(of: pages.lowerBound), count: count).get()
        }
        // A short read: the file was truncated.
        guard bytes.count == count else { throw SystemCallError(call: "pread", subject: path, errno: .ioError) }
        return bytes
    }

    func write(_ bytes: [UInt8], atPage page: Int) throws(SystemCallError) {
        try named { () throws(SystemCallError) in try descriptor.writeAll(bytes, at: place(of: page)) }
    }

    func synchronize() throws(SystemCallError) {
        try named { () throws(SystemCallError) in try descriptor.synchronizeData() }
    }

    private func place(of page: Int) -> UInt64 { offset &+ UInt64(clamping: page) &* UInt64(PageSet.pageByteCount) }

    /// Errors name the file.
    private func named<Result>(_ body: () throws(SystemCallError) -> Result) throws(SystemCallError) -> Result {
        do throws(SystemCallError) {
            return try body()
        } catch { throw SystemCallError(call: error.call, subject: path, errno: error.errno) }
    }
}
