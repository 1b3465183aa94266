import CLinux
import Host
import SystemPackage

/// One virtual processor. Its thread calls `run`; any thread may call `interruptRun`.
@safe
public final class VirtualCPU: @unchecked Sendable {
    /// 0 is the processor that starts the machine.
    public let index: Int
    private let machine: VirtualMachine
    private let descriptor: OwnedDescriptor
    private let runMapping: HostMapping
    /// The page that the kernel shares: why the last run ended, and what it waits for.
    let shared: UnsafeMutablePointer<kvm_run>
    /// The last exit could not be answered, and is to be tried again. Of the thread that runs the processor.
    var hasUnansweredExit = false
    /// How many accesses of a port exit have been answered. Likewise.
    var answeredElements = 0

    /// Creates a vCPU with its CPUID. The first is ready to be given a state, the others wait for the guest to start
    /// them.
    ///
    /// - Parameter count: how many the machine has in all.
    public init(_ machine: VirtualMachine, index: Int, of count: Int) throws(KVMError) {
        let machineNumber = machine.descriptor.rawValue
        let descriptor = OwnedDescriptor(
            taking: try kvmCall("KVM_CREATE_VCPU") {
                nt_ioctl_value(machineNumber, NT_KVM_CREATE_VCPU, UInt(index))
            })
        runMapping = try mapError(
            HostMapping(
                .file(descriptor.rawValue, offset: 0, shared: true, reserve: true),
                byteCount: machine.runPageByteCount), to: KVMError.call)
        guard let page = unsafe UnsafeMutableRawPointer(bitPattern: UInt(runMapping.hostAddress)) else {
            throw .call(SystemCallError(call: "mmap", errno: .badAddress))
        }
        unsafe shared = page.assumingMemoryBound(to: kvm_run.self)
        self.descriptor = descriptor
        self.machine = machine
        self.index = index
        try setCPUID(machine.cpuid(forProcessor: index, of: count))
        try setModelSpecificRegisters()
    }

    /// Makes a run that is under way, or the next one, return `.interrupted`. The thread in `run` must also be
    /// kicked (`HostThread.kick`) to leave the guest.
    public func requestInterruption() {
        unsafe nt_kvm_set_immediate_exit(shared, 1)
    }

    /// Runs the guest until something needs an answer. Port and memory accesses are answered by `handler`, and the run
    /// goes on. After `interrupted`, an access that `handler` could not finish is tried again by the next run.
    public func run(_ handler: some ExitHandler) -> RunEnd {
        if hasUnansweredExit, let end = answer(handler) { return end }
        while true {
            let number = descriptor.rawValue
            let result = nt_ioctl_value(number, NT_KVM_RUN, 0)
            let reason = result < 0 ? Errno.current : Errno(rawValue: 0)
            switch reason {
            case Errno(rawValue: 0):
                if let end = answer(handler) { return end }
            case .interrupted, .resourceTemporarilyUnavailable:
                unsafe nt_kvm_set_immediate_exit(shared, 0)
                return .interrupted
            case .badAddress: return .memoryFault(faultAddress)
            default: return .failed(SystemCallError(call: "KVM_RUN", errno: reason))
            }
        }
    }

    /// The guest-physical address that KVM_RUN could not reach; nil where the kernel does not tell (before 6.8).
    private var faultAddress: UInt64? {
        guard unsafe shared.pointee.exit_reason == NT_KVM_EXIT_MEMORY_FAULT else { return nil }
        // struct { u64 flags; u64 gpa; u64 size; } at the start of the exit's union (KVM API, section 5).
        return unsafe UnsafeRawPointer(shared).load(fromByteOffset: Int(NT_KVM_RUN_EXIT_OFFSET) + 8, as: UInt64.self)
    }

    /// The file of the kernel's statistics about this vCPU; nil where it has none (before Linux 5.14).
    func openStatistics() -> OwnedDescriptor? {
        let number = descriptor.rawValue
        let statistics = nt_ioctl_value(number, NT_KVM_GET_STATS_FD, 0)
        return statistics >= 0 ? OwnedDescriptor(taking: statistics) : nil
    }

    /// Calls an ioctl of the vCPU with a structure.
    func call<Argument>(_ name: String, _ request: UInt, _ argument: inout Argument) throws(KVMError) {
        let number = descriptor.rawValue
        let result = unsafe withUnsafeMutablePointer(to: &argument) { pointer in
            Result { () throws(KVMError) in
                try kvmCall(name) { unsafe nt_ioctl_pointer(number, request, pointer) }
            }
        }
        _ = try result.get()
    }

    private func callList(_ name: String, _ request: UInt, _ list: [UInt8]) throws(KVMError) -> CInt {
        var list = list
        let number = descriptor.rawValue
        return try kvmCall(name) {
            unsafe list.withUnsafeMutableBytes { unsafe nt_ioctl_pointer(number, request, $0.baseAddress) }
        }
    }

    private func setCPUID(_ entries: [kvm_cpuid_entry2]) throws(KVMError) {
        _ = try callList("KVM_SET_CPUID2", NT_KVM_SET_CPUID2, CountedList.bytes(of: entries))
    }

    /// What a PC's firmware leaves behind and Linux relies on (Intel SDM volume 4): memory is write-back by default, or
    /// the guest would map persistent memory uncached; and string instructions are fast.
    private func setModelSpecificRegisters() throws(KVMError) {
        let registers: [(index: UInt32, value: UInt64)] = [
            (0x2ff, 0x806),  // IA32_MTRR_DEF_TYPE: enabled, write-back
            (0x1a0, 0x1),  // IA32_MISC_ENABLE: fast strings
        ]
        for register in registers {
            let entry = kvm_msr_entry(index: register.index, reserved: 0, data: register.value)
            // 0 registers set means that this processor has none such, which its CPUID tells the guest, too.
            _ = try callList("KVM_SET_MSRS", NT_KVM_SET_MSRS, CountedList.bytes(of: [entry]))
        }
    }
}
