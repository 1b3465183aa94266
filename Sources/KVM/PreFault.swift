import CLinux
import Host
import SystemPackage

extension VirtualCPU {
    /// Fills the page tables that KVM keeps for the guest, so that the first access to a page leaves the guest no more
    /// than a later one (KVM API, 4.143; Linux 6.11). The pages should be present on the host.
    ///
    /// Not while the vCPU runs: the call waits until it leaves the guest.
    ///
    /// - Parameters:
    ///   - guestAddress: guest-physical, a multiple of the page size.
    ///   - byteCount: a multiple of the page size.
    /// - Returns: false where KVM does not do that, or not for all of the range: what is left is filled in by first
    ///   accesses.
    @discardableResult
    public func preFault(_ guestAddress: UInt64, byteCount: UInt64) -> Bool {
        var range = nt_kvm_pre_fault_memory()
        (range.gpa, range.size) = (guestAddress, byteCount)
        while range.size > 0 {
            // The kernel advances the range; it succeeds where it came further, and stops in between for signals.
            let before = range.size
            do throws(KVMError) {
                try call("KVM_PRE_FAULT_MEMORY", NT_KVM_PRE_FAULT_MEMORY, &range)
            } catch .call(let error) where error.errno == .interrupted {
                continue
            } catch {
                return false
            }
            guard range.size < before else { return false }
        }
        return true
    }
}
