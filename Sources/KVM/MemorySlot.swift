import CLinux
public import Host

/// A range of guest-physical addresses that the kernel backs with host memory. The slot holds the mapping, so that the
/// memory cannot go before the kernel has let go of it; when the slot goes, it is deleted first.
public final class MemorySlot: Sendable {
    /// The slot's number, unique in its machine.
    public let number: UInt32
    private let machine: VirtualMachine
    private let mapping: HostMapping
    private let logsStores: Bool

    /// Makes the mapping visible to the guest.
    ///
    /// - Parameters:
    ///   - number: free, below the kernel's limit (`KVM_CAP_NR_MEMSLOTS`).
    ///   - guestAddress: guest-physical, a multiple of the page size.
    ///   - readOnly: a guest's store exits as an MMIO write instead. Always so for a mapping that the host may not
    ///     write.
    ///   - logsStores: whether `takeDirtyPages` tells of the guest's stores.
    public init(
        _ machine: VirtualMachine, number: UInt32, guestAddress: UInt64, mapping: HostMapping, readOnly: Bool = false,
        logsStores: Bool = false
    ) throws(KVMError) {
        self.machine = machine
        self.number = number
        self.mapping = mapping
        self.logsStores = logsStores
        var flags = readOnly || mapping.isReadOnly ? UInt32(KVM_MEM_READONLY) : 0
        if logsStores { flags |= UInt32(KVM_MEM_LOG_DIRTY_PAGES) }
        var region = kvm_userspace_memory_region(
            slot: number, flags: flags, guest_phys_addr: guestAddress, memory_size: UInt64(mapping.byteCount),
            userspace_addr: mapping.hostAddress)
        try machine.call("KVM_SET_USER_MEMORY_REGION", NT_KVM_SET_USER_MEMORY_REGION, &region)
    }

    /// The pages that the guest stored into since the last call, or since the slot was made; every page without
    /// `logsStores`.
    ///
    /// A store is either told by this call and visible in the mapping when it returns, or told by a later call: the
    /// kernel takes a page's bit, then has every processor forget that it may write the page, then returns (KVM API,
    /// 4.8).
    public func takeDirtyPages() throws(KVMError) -> PageSet {
        let pageCount = mapping.byteCount / PageSet.pageByteCount
        guard logsStores else { return .all(pageCount: pageCount) }
        var words = [UInt64](repeating: 0, count: PageSet.wordCount(pageCount))
        let result = unsafe words.withUnsafeMutableBytes { buffer in
            Result { () throws(KVMError) in
                var log = unsafe kvm_dirty_log()
                unsafe log.slot = number
                unsafe log.dirty_bitmap = buffer.baseAddress
                try unsafe machine.call("KVM_GET_DIRTY_LOG", NT_KVM_GET_DIRTY_LOG, &log)
            }
        }
        try result.get()
        return PageSet(words: words, pageCount: pageCount)
    }

    deinit {
        // A size of 0 deletes (KVM API, 4.35). The kernel refuses only what it never accepted.
        var region = kvm_userspace_memory_region(
            slot: number, flags: 0, guest_phys_addr: 0, memory_size: 0, userspace_addr: 0)
        try? machine.call("KVM_SET_USER_MEMORY_REGION", NT_KVM_SET_USER_MEMORY_REGION, &region)
    }
}
