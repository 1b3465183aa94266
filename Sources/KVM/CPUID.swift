import CLinux
import Host

extension Hypervisor {
    /// Asks the kernel which CPUID leaves it can give to a guest (KVM API, 4.46).
    static func readSupportedCPUID(_ device: CInt) throws(KVMError) -> [kvm_cpuid_entry2] {
        var list = CountedList.bytes(of: Array(repeating: kvm_cpuid_entry2(), count: 256))
        try kvmCall("KVM_GET_SUPPORTED_CPUID") {
            unsafe list.withUnsafeMutableBytes {
                unsafe nt_ioctl_pointer(device, NT_KVM_GET_SUPPORTED_CPUID, $0.baseAddress)
            }
        }
        return CountedList.elements(in: list)
    }
}

extension VirtualMachine {
    /// CPUID as vCPU `index` of `count` shows it: what the kernel supports, with the fields that differ from vCPU to
    /// vCPU. Each vCPU is a core of one package.
    func cpuid(forProcessor index: Int, of count: Int) -> [kvm_cpuid_entry2] {
        Self.cpuid(from: supportedCPUID, forProcessor: index, of: count)
    }

    static func cpuid(
        from supported: [kvm_cpuid_entry2], forProcessor index: Int, of count: Int
    ) -> [kvm_cpuid_entry2] {
        let coreBits = UInt32(count <= 1 ? 0 : Int.bitWidth - (count - 1).leadingZeroBitCount)
        return supported.map { entry in
            var entry = entry
            switch entry.function {
            case 1: Self.setProcessorInformation(&entry, index, count)
            case 4 where entry.eax & 0x1f != 0: Self.setCacheSharing(&entry, count)
            case 0xb, 0x1f: Self.setTopology(&entry, index, count, coreBits)
            case 0x8000_0008: entry.ecx = Self.amdCoreCount(entry.ecx, count, coreBits)
            case 0x8000_001e: (entry.eax, entry.ebx) = (UInt32(index), UInt32(index) & 0xff)
            default: break
            }
            return entry
        }
    }

    /// Leaf 1: the initial APIC id, the number of logical processors, and that there is a hypervisor.
    private static func setProcessorInformation(_ entry: inout kvm_cpuid_entry2, _ index: Int, _ count: Int) {
        entry.ebx = (entry.ebx & 0xffff) | UInt32(index & 0xff) << 24 | UInt32(min(count, 255)) << 16
        entry.ecx |= 1 << 31
        let multithreading: UInt32 = 1 << 28
        entry.edx = count > 1 ? entry.edx | multithreading : entry.edx & ~multithreading
    }

    /// Leaf 4: level 3 is shared by the package, the others belong to one core.
    private static func setCacheSharing(_ entry: inout kvm_cpuid_entry2, _ count: Int) {
        let level = entry.eax >> 5 & 7
        let sharing = level >= 3 ? UInt32(count - 1) : 0
        entry.eax = (entry.eax & 0x3fff) | (sharing & 0xfff) << 14 | UInt32(min(count - 1, 63)) << 26
    }

    /// Leaves 0xb and 0x1f: one thread per core, `count` cores in the package.
    private static func setTopology(_ entry: inout kvm_cpuid_entry2, _ index: Int, _ count: Int, _ coreBits: UInt32) {
        entry.edx = UInt32(index)
        switch entry.index {
        case 0: (entry.eax, entry.ebx, entry.ecx) = (0, 1, 1 << 8)
        case 1: (entry.eax, entry.ebx, entry.ecx) = (coreBits, UInt32(count), 2 << 8 | 1)
        default: (entry.eax, entry.ebx, entry.ecx) = (0, 0, entry.index)
        }
    }

    private static func amdCoreCount(_ old: UInt32, _ count: Int, _ coreBits: UInt32) -> UInt32 {
        (old & ~0xf0ff) | coreBits << 12 | UInt32(min(count - 1, 255))
    }
}
