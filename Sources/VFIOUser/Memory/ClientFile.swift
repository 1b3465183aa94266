import Host

/// A file that the client sent as memory. It may be anything, and the client may change it at any time.
struct ClientFile {
    private let file: SharedDescriptor

    init(_ file: SharedDescriptor) {
        self.file = file
    }

    /// Maps a part of it.
    ///
    /// - Throws: `wrongDescriptor` for what is neither memfd, tmpfs nor hugetlbfs, `invalid` for a part that is not in
    ///   it, the kernel's own reason.
    func map(offset: UInt64, byteCount: UInt64, readOnly: Bool) throws(Refusal) -> HostMapping {
        // First, since any other access may wait for good; and the seal before the size: a size that is seen under the
        // seal stays.
        let kind = file.with { $0.memoryFileKind }
        guard kind != .none else { throw .wrongDescriptor }
        guard let status = file.with({ try? $0.status() }), let system = file.with({ try? $0.fileSystemStatus() }),
            status.kind == .regular
        else { throw .wrongDescriptor }
        let (end, overflow) = offset.addingReportingOverflow(byteCount)
        let page = UInt64(system.pageByteCount)
        guard !overflow, end <= status.byteCount, offset % page == 0, byteCount % page == 0,
            let count = Int(exactly: byteCount)
        else { throw .invalid }
        do throws(SystemCallError) {
            return try HostMapping(
                .file(file.rawValue, offset: offset, shared: true, reserve: true), byteCount: count, readOnly: readOnly,
                pageByteCount: system.pageByteCount,
                // The pages of a sealed memory file are always there; those of any other may go, and huge ones may run
                // out.
                isSealed: kind == .sealedAgainstShrinking && !system.isHugeTLB)
        } catch { throw Refusal(error.errno.rawValue) }
    }
}
