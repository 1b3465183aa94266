import CLinux
import Host

/// One virtual machine of the kernel: its interrupt controllers, memory slots and event wiring.
///
/// Closed when the last of its vCPUs and memory slots is gone.
public final class VirtualMachine: Sendable {
    let descriptor: OwnedDescriptor
    let runPageByteCount: Int
    /// CPUID as the kernel can give it to a guest.
    let supportedCPUID: [kvm_cpuid_entry2]

    /// Creates a machine without memory and interrupt controllers.
    ///
    /// - Parameters:
    ///   - taskStateAddress: guest-physical address of three pages that Intel's real-mode emulation needs, below 4 GiB,
    ///     covered by nothing else.
    ///   - identityMapAddress: guest-physical address of one page, likewise.
    public init(
        _ hypervisor: borrowing Hypervisor, taskStateAddress: UInt64, identityMapAddress: UInt64
    ) throws(KVMError) {
        let device = hypervisor.descriptor.rawValue
        descriptor = OwnedDescriptor(
            taking: try kvmCall("KVM_CREATE_VM") { nt_ioctl_value(device, NT_KVM_CREATE_VM, 0) })
        runPageByteCount = hypervisor.runPageByteCount
        supportedCPUID = hypervisor.supportedCPUID
        let number = descriptor.rawValue
        // Both before the first vCPU (KVM API, 4.31 and 4.33).
        var identityMapAddress = identityMapAddress
        try kvmCall("KVM_SET_IDENTITY_MAP_ADDR") {
            unsafe nt_ioctl_pointer(number, NT_KVM_SET_IDENTITY_MAP_ADDR, &identityMapAddress)
        }
        try kvmCall("KVM_SET_TSS_ADDR") { nt_ioctl_value(number, NT_KVM_SET_TSS_ADDR, UInt(taskStateAddress)) }
    }

    /// Adds the kernel's interrupt controllers: PICs, I/O APIC, and a local APIC for each vCPU made later. Memory slots
    /// that are there already come cheaper: one that is set soon afterwards waits milliseconds for the kernel's
    /// readers.
    public func createInterruptControllers() throws(KVMError) {
        let number = descriptor.rawValue
        try kvmCall("KVM_CREATE_IRQCHIP") { nt_ioctl_value(number, NT_KVM_CREATE_IRQCHIP, 0) }
    }

    /// Calls an ioctl of the machine's descriptor with a structure.
    func call<Argument>(_ name: String, _ request: UInt, _ argument: inout Argument) throws(KVMError) {
        let number = descriptor.rawValue
        let result = unsafe withUnsafeMutablePointer(to: &argument) { pointer in
            Result { () throws(KVMError) in
                try kvmCall(name) { unsafe nt_ioctl_pointer(number, request, pointer) }
            }
        }
        _ = try result.get()
    }
}
