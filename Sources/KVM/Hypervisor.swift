import CLinux
import Host
import SystemPackage

/// `/dev/kvm`, opened and checked.
public struct Hypervisor: ~Copyable {
    let descriptor: OwnedDescriptor
    /// The size of the page that the kernel shares with each vCPU, in bytes.
    let runPageByteCount: Int
    /// CPUID as the kernel can give it to a guest.
    let supportedCPUID: [kvm_cpuid_entry2]

    /// Opens the device and checks that the kernel has what the monitor stands on.
    ///
    /// - Throws: `noDevice`, `noPermission`, `unsupportedVersion` or `missingCapability`.
    public init(path: String = "/dev/kvm") throws(KVMError) {
        let opened = try Self.open(path)
        let pageByteCount = try Self.checkInterface(opened.rawValue)
        supportedCPUID = try Self.readSupportedCPUID(opened.rawValue)
        runPageByteCount = pageByteCount
        descriptor = opened
    }

    /// - Returns: the size of a vCPU's shared page, in bytes.
    private static func checkInterface(_ number: CInt) throws(KVMError) -> Int {
        let version = try kvmCall("KVM_GET_API_VERSION") { nt_ioctl_value(number, NT_KVM_GET_API_VERSION, 0) }
        guard version == 12 else { throw .unsupportedVersion(Int(version)) }
        for (capability, name) in required
        where nt_ioctl_value(number, NT_KVM_CHECK_EXTENSION, capability) <= 0 {
            throw .missingCapability(name)
        }
        return Int(try kvmCall("KVM_GET_VCPU_MMAP_SIZE") { nt_ioctl_value(number, NT_KVM_GET_VCPU_MMAP_SIZE, 0) })
    }

    /// How many guest-physical address bits the processor has: the guest's memory lies below 2 to this power.
    public var physicalAddressBits: Int {
        let leaf = supportedCPUID.first { $0.function == 0x8000_0008 }
        // Without the leaf, 36 bits are what every 64-bit processor has.
        return Int((leaf?.eax ?? 36) & 0xff)
    }

    private static func open(_ path: String) throws(KVMError) -> OwnedDescriptor {
        do throws(SystemCallError) {
            return try OwnedDescriptor(opening: path, flags: O_RDWR)
        } catch {
            switch error.errno {
            case .permissionDenied, .notPermitted: throw .noPermission(path: path)
            case .noSuchFileOrDirectory, .noSuchAddressOrDevice, Errno(rawValue: ENODEV): throw .noDevice(path: path)
            default: throw .call(error)
            }
        }
    }

    /// The largest number of vCPUs of one machine.
    public var maximumProcessorCount: Int {
        Int(nt_ioctl_value(descriptor.rawValue, NT_KVM_CHECK_EXTENSION, UInt(KVM_CAP_MAX_VCPUS)))
    }

    private static var required: [(UInt, String)] {
        [
            (UInt(KVM_CAP_USER_MEMORY), "KVM_CAP_USER_MEMORY"),
            (UInt(KVM_CAP_IRQCHIP), "KVM_CAP_IRQCHIP"),
            (UInt(KVM_CAP_IRQFD), "KVM_CAP_IRQFD"),
            (UInt(KVM_CAP_IOEVENTFD), "KVM_CAP_IOEVENTFD"),
            (UInt(KVM_CAP_IRQ_ROUTING), "KVM_CAP_IRQ_ROUTING"),
            (UInt(KVM_CAP_IMMEDIATE_EXIT), "KVM_CAP_IMMEDIATE_EXIT"),
            (UInt(KVM_CAP_READONLY_MEM), "KVM_CAP_READONLY_MEM"),
        ]
    }
}
