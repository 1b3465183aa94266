import CLinux
import Synchronization
import SystemPackage

/// Memory of this process that `mmap` made: a file's pages or anonymous ones. Unmapped when the last holder goes.
///
/// The bytes may be written by a guest at any time. They are reached only by the copying methods, which check bounds,
/// and by the atomic ones for ring indices; no span or reference over them is ever formed.
@safe
public final class HostMapping: @unchecked Sendable {
    /// What the mapping's pages are.
    public enum Source: Sendable {
        /// Zeroed memory of this process. Without `reserve`, the kernel promises no swap space for it
        /// (`MAP_NORESERVE`).
        case anonymous(reserve: Bool)
        /// Pages of a file, from `offset` on (bytes, a multiple of the page size). `shared` stores reach the file.
        case file(CInt, offset: UInt64, shared: Bool, reserve: Bool)
    }

    /// A copy that met a page which is not there: the file behind it is shorter than the mapping, or its disk is full.
    public struct Fault: Error, Equatable, Sendable {
        /// Where in the mapping, in bytes.
        public let offset: Int

        package init(offset: Int) {
            self.offset = offset
        }
    }

    /// The size in bytes.
    public let byteCount: Int
    /// Whether the host mapped it read-only: stores fail, a guest's included.
    public let isReadOnly: Bool
    /// Whether a copy may meet a page that is not there.
    private let isFaultProne: Bool
    /// The log of this process's stores; nil without `logsStores`.
    let storeLog: StoreLog?
    private let base: UnsafeMutableRawPointer
    /// The size rounded up to whole pages, in bytes: what the kernel mapped.
    private let span: Int

    /// Maps memory.
    ///
    /// - Parameters:
    ///   - byteCount: above 0.
    ///   - alignment: of the host address, in bytes, a power of two. With the guest's address aligned alike, host and
    ///     guest address are congruent, and KVM can map huge pages.
    ///   - pageByteCount: the unit of mapping, in bytes, a power of two: the huge page size for a file on hugetlbfs.
    ///   - isSealed: whether the file is sealed against shrinking, so that its pages are always there.
    ///   - logsStores: whether `takeStoredPages` tells of this process's stores.
    /// - Throws: the kernel's reason.
    public init(
        _ source: Source, byteCount: Int, readOnly: Bool = false, alignment: Int = 4096, pageByteCount: Int = 4096,
        isSealed: Bool = false, logsStores: Bool = false
    ) throws(SystemCallError) {
        let layout = try Layout(byteCount: byteCount, alignment: alignment, pageByteCount: pageByteCount)
        unsafe base = try Self.map(Request(source, readOnly: readOnly), layout)
        span = layout.span
        self.byteCount = byteCount
        isReadOnly = readOnly
        storeLog = logsStores ? StoreLog(byteCount: byteCount) : nil
        if case .file = source { isFaultProne = !isSealed } else { isFaultProne = false }
        if isFaultProne { Self.guardAccesses() }
    }

    /// The address in this process, to hand to the kernel (memory slots) as a number.
    public var hostAddress: UInt64 { UInt64(UInt(bitPattern: unsafe base)) }

    deinit {
        unsafe munmap(base, span)
    }
}

// MARK: - Placement

extension HostMapping {
    /// Size and alignment, checked.
    private struct Layout {
        let span: Int
        let alignment: Int

        init(byteCount: Int, alignment: Int, pageByteCount: Int) throws(SystemCallError) {
            let invalid = SystemCallError(call: "mmap", errno: .invalidArgument)
            let unit = max(pageByteCount, 4096)
            guard byteCount > 0, unit & (unit - 1) == 0, alignment > 0, alignment & (alignment - 1) == 0 else {
                throw invalid
            }
            let (padded, overflow) = byteCount.addingReportingOverflow(unit - 1)
            guard !overflow else { throw SystemCallError(call: "mmap", errno: .noMemory) }
            span = padded & ~(unit - 1)
            self.alignment = max(alignment, unit)
        }
    }

    /// What `mmap` is asked for.
    private struct Request {
        var protection: CInt
        var flags: CInt
        var descriptor: CInt = -1
        var offset: off_t = 0

        init(_ source: Source, readOnly: Bool) throws(SystemCallError) {
            protection = readOnly ? PROT_READ : PROT_READ | PROT_WRITE
            switch source {
            case .anonymous(let reserve):
                flags = MAP_PRIVATE | MAP_ANONYMOUS | (reserve ? 0 : MAP_NORESERVE)
            case .file(let number, let fileOffset, let shared, let reserve):
                flags = (shared ? MAP_SHARED : MAP_PRIVATE) | (reserve ? 0 : MAP_NORESERVE)
                descriptor = number
                guard let exact = off_t(exactly: fileOffset) else {
                    throw SystemCallError(call: "mmap", errno: .fileTooLarge)
                }
                offset = exact
            }
        }

        /// Reserves addresses only.
        init() {
            protection = PROT_NONE
            flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
        }

        func run(
            at address: UnsafeMutableRawPointer?, byteCount: Int
        ) throws(SystemCallError) -> UnsafeMutableRawPointer {
            let fixed = unsafe address == nil ? 0 : MAP_FIXED
            let result = unsafe mmap(address, byteCount, protection, flags | fixed, descriptor, offset)
            guard let result = unsafe result, unsafe nt_is_map_failed(result) == 0 else {
                throw SystemCallError(call: "mmap", errno: .current)
            }
            return unsafe result
        }
    }

    /// Maps where the kernel likes, and again at an aligned address only if that one is not.
    ///
    /// The first attempt also brings up every reason to refuse while nothing is reserved: a fixed mapping that fails
    /// late may leave a hole where the reservation was, which another thread may have filled before it is given back.
    private static func map(_ request: Request, _ layout: Layout) throws(SystemCallError) -> UnsafeMutableRawPointer {
        let first = try unsafe request.run(at: nil, byteCount: layout.span)
        if UInt(bitPattern: first) % UInt(layout.alignment) == 0 { return unsafe first }
        unsafe munmap(first, layout.span)
        let address = try unsafe reserveAddresses(layout)
        do throws(SystemCallError) {
            return try unsafe request.run(at: address, byteCount: layout.span)
        } catch {
            unsafe munmap(address, layout.span)
            throw error
        }
    }

    /// Reserves addresses and gives back what alignment leaves over on both sides.
    private static func reserveAddresses(_ layout: Layout) throws(SystemCallError) -> UnsafeMutableRawPointer {
        let slack = layout.alignment - 4096
        let (total, overflow) = layout.span.addingReportingOverflow(slack)
        guard !overflow else { throw SystemCallError(call: "mmap", errno: .noMemory) }
        let whole = try unsafe Request().run(at: nil, byteCount: total)
        let alignment = UInt(layout.alignment)
        let head = Int((alignment - UInt(bitPattern: whole) % alignment) % alignment)
        let start = unsafe whole + head
        let tail = slack - head
        if head > 0 { unsafe munmap(whole, head) }
        if tail > 0 { unsafe munmap(start + layout.span, tail) }
        return unsafe start
    }
}

// MARK: - Copies

extension HostMapping {
    /// Copies bytes out of the mapping.
    ///
    /// - Parameters:
    ///   - offset: in bytes; with the buffer's size it must lie inside the mapping (the caller's check; a violation is
    ///     a fault as well).
    @unsafe
    package func copy(from offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws(Fault) {
        try check(offset, buffer.count)
        guard let target = buffer.baseAddress else { return }
        if !isFaultProne { return unsafe target.copyMemory(from: base + offset, byteCount: buffer.count) }
        // The kernel copies, and answers EFAULT where a plain load would be ended by SIGBUS.
        var local = unsafe iovec(iov_base: target, iov_len: buffer.count)
        var remote = unsafe iovec(iov_base: base + offset, iov_len: buffer.count)
        let count = unsafe process_vm_readv(getpid(), &local, 1, &remote, 1, 0)
        guard count == buffer.count else { throw Fault(offset: offset + max(count, 0)) }
    }

    /// A copy of some bytes; all or nothing.
    public func bytes(at offset: Int, count: Int) throws(Fault) -> [UInt8] {
        try check(offset, count)
        var bytes = [UInt8](repeating: 0, count: count)
        let result = unsafe bytes.withUnsafeMutableBytes { buffer in
            Result { () throws(Fault) in try unsafe copy(from: offset, into: buffer) }
        }
        try result.get()
        return bytes
    }

    /// Copies bytes into the mapping.
    @unsafe
    package func copy(_ buffer: UnsafeRawBufferPointer, to offset: Int) throws(Fault) {
        try check(offset, buffer.count)
        guard let source = buffer.baseAddress else { return }
        guard !isReadOnly else { throw Fault(offset: offset) }
        try logged(offset, buffer.count) { () throws(Fault) in
            if !isFaultProne { return unsafe (base + offset).copyMemory(from: source, byteCount: buffer.count) }
            var local = unsafe iovec(iov_base: .init(mutating: source), iov_len: buffer.count)
            var remote = unsafe iovec(iov_base: base + offset, iov_len: buffer.count)
            let count = unsafe process_vm_writev(getpid(), &local, 1, &remote, 1, 0)
            guard count == buffer.count else { throw Fault(offset: offset + max(count, 0)) }
        }
    }

    /// A 16-bit load that is one access and that no later access overtakes (acquire). `offset` is even.
    package func loadAcquire(at offset: Int) throws(Fault) -> UInt16 {
        try check(offset, 2)
        if !isFaultProne { return unsafe nt_load_acquire_16(base + offset) }
        var value: UInt16 = 0
        guard unsafe nt_guarded_load_16(base + offset, &value) == 0 else { throw Fault(offset: offset) }
        return value
    }

    /// A 16-bit store that is one access and that no earlier access falls behind (release). `offset` is even.
    package func storeRelease(_ value: UInt16, at offset: Int) throws(Fault) {
        try check(offset, 2)
        guard !isReadOnly else { throw Fault(offset: offset) }
        if !isFaultProne { return logged(offset, 2) { unsafe nt_store_release_16(base + offset, value) } }
        try logged(offset, 2) { () throws(Fault) in
            guard unsafe nt_guarded_store_16(base + offset, value) == 0 else { throw Fault(offset: offset) }
        }
    }

    /// Lets single accesses meet a page that is not there. To be called again after another handler of SIGBUS was set.
    static func guardAccesses() { accessGuard.withLock { _ in nt_guard_accesses() } }

    private static let accessGuard = Mutex(())

    /// Orders every earlier access to shared memory before every later one.
    package static func fullBarrier() { nt_full_barrier() }

    private func check(_ offset: Int, _ count: Int) throws(Fault) {
        guard offset >= 0, count >= 0, count <= byteCount, offset <= byteCount - count else {
            throw Fault(offset: offset)
        }
    }
}

// MARK: - Hints

extension HostMapping {
    /// Makes every page present, so that no first touch faults.
    ///
    /// - Throws: the kernel's reason: `badAddress` where the file is too short or its disk is full, `invalidArgument`
    ///   before Linux 5.14.
    public func populate() throws(SystemCallError) {
        let advice = isReadOnly ? NT_MADV_POPULATE_READ : NT_MADV_POPULATE_WRITE
        try advise(CInt(advice), "madvise(populate)")
    }

    /// Asks for transparent huge pages.
    public func preferHugePages() throws(SystemCallError) {
        try advise(MADV_HUGEPAGE, "madvise(hugepage)")
    }

    /// Lets the kernel merge pages of equal content (KSM).
    public func allowMerging() throws(SystemCallError) {
        try advise(MADV_MERGEABLE, "madvise(mergeable)")
    }

    /// Leaves the memory out of core dumps.
    public func excludeFromDump() throws(SystemCallError) {
        try advise(MADV_DONTDUMP, "madvise(dontdump)")
    }

    /// Gives the pages back; a shared file mapping has its blocks freed (`MADV_REMOVE`), others only their memory.
    public func discard(freeingBlocks: Bool) throws(SystemCallError) {
        try advise(freeingBlocks ? MADV_REMOVE : MADV_DONTNEED, "madvise(discard)")
    }

    private func advise(_ advice: CInt, _ name: String) throws(SystemCallError) {
        try systemCall(name) { unsafe madvise(base, span, advice) }
    }
}
