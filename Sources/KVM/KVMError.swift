public import Host
import SystemPackage

/// Why KVM cannot be used, or what it refused.
public enum KVMError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The kernel has no KVM, or its module is not loaded.
    case noDevice(path: String)
    /// The file is there, but this user may not open it.
    case noPermission(path: String)
    /// The kernel speaks another version of the interface than 12, the only stable one.
    case unsupportedVersion(Int)
    /// The kernel lacks a capability that the monitor stands on.
    case missingCapability(String)
    /// More vCPUs asked for than the kernel takes.
    case tooManyProcessors(requested: Int, maximum: Int)
    /// A call failed.
    case call(SystemCallError)

    public var description: String {
        switch self {
        case .noDevice(let path):
            "Could not access KVM kernel module: no \(path). Load it with 'modprobe kvm-intel' or 'modprobe kvm-amd', "
                + "and check that virtualization is enabled in the firmware (or nested virtualization in the host)"
        case .noPermission(let path):
            "Could not access KVM kernel module: no permission to open \(path). Run as root, or add the user to "
                + "the group that owns it ('ls -l \(path)' tells, usually kvm) and log in again"
        case .unsupportedVersion(let version):
            "this kernel's KVM has interface version \(version), needed is 12"
        case .missingCapability(let name):
            "this kernel's KVM lacks \(name); a Linux kernel of 5.10 or newer has it"
        case .tooManyProcessors(let requested, let maximum):
            "Number of SMP CPUs requested (\(requested)) exceeds the maximum that this kernel's KVM supports (\(maximum))"
        case .call(let error):
            "KVM refused \(error)"
        }
    }
}

/// Runs one KVM call, with its failure as a `KVMError`.
@discardableResult
func kvmCall(_ name: String, _ body: () -> CInt) throws(KVMError) -> CInt {
    do throws(SystemCallError) { return try systemCall(name, "", body) } catch { throw .call(error) }
}
