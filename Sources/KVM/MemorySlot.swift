import CLinux
public import Host

/// A range of guest-physical addresses that the kernel backs with host memory. The slot holds the mapping, so that the
/// memory cannot go before the kernel has let go of it; when the slot goes, it is deleted first.
public final class MemorySlot: Sendable {
    /// The slot's number, unique in its machine.
    public let number: UInt32
    private let machine: VirtualMachine
    private let mapping: HostMapping

    /// Makes the mapping visible to the guest.
    ///
    /// - Parameters:
    ///   - number: free, below the kernel's limit (`KVM_CAP_NR_MEMSLOTS`).
    ///   - guestAddress: guest-physical, a multiple of the page size.
    ///   - readOnly: a guest's store exits as an MMIO write instead. Always so for a mapping that the host may not write.
    public init(
        _ machine: VirtualMachine, number: UInt32, guestAddress: UInt64, mapping: HostMapping, readOnly: Bool = false
    ) throws(KVMError) {
        self.machine = machine
        self.number = number
        self.mapping = mapping
        let flags = readOnly || mapping.isReadOnly ? UInt32(KVM_MEM_READONLY) : 0
        var region = kvm_userspace_memory_region(
            slot: number, flags: flags, guest_phys_addr: guestAddress, memory_size: UInt64(mapping.byteCount),
            userspace_addr: mapping.hostAddress)
        try machine.call("KVM_SET_USER_MEMORY_REGION", NT_KVM_SET_USER_MEMORY_REGION, &region)
    }

    deinit {
        // A size of 0 deletes (KVM API, 4.35). The kernel refuses only what it never accepted.
        var region = kvm_userspace_memory_region(
            slot: number, flags: 0, guest_phys_addr: 0, memory_size: 0, userspace_addr: 0)
        try? machine.call("KVM_SET_USER_MEMORY_REGION", NT_KVM_SET_USER_MEMORY_REGION, &region)
    }
}
