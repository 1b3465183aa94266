public import Assembly
public import Board
public import GuestMemory
public import Host
public import KVM
public import PCI
public import QEMUDialect

/// Why a machine cannot be made, or went down.
public enum MachineError: Error, Sendable, CustomStringConvertible {
    case kvm(KVMError)
    case host(SystemCallError)
    case layout(LayoutError)
    /// The host has no memory of this size for the guest; with its reason.
    case ram(byteCount: UInt64, String)
    /// What the host refused to an object; a sentence.
    case object(String)
    /// With the device's option, as in the three that follow.
    case deviceMemory(String, DeviceMemoryError)
    case bus(String, BusError)
    case addressSpace(String, AddressSpaceExhausted)
    case configuration(String, ConfigurationError)
    case guestMemory(GuestMemoryError)
    /// A kernel or initial RAM disk, with its option and path.
    case bootFile(option: String, path: String, SystemCallError)
    /// What was in them; with the option.
    case boot(option: String, BootError)
    /// What can be seen from the text of an option or command.
    case dialect(DialectError)
    case serial(String, SystemCallError)
    case pidFile(path: String, PIDFileError)
    /// A device or an object, by its id, that makes nothing durable.
    case noFlushes(String)
    /// The machine cannot go on before these files have their size again; a sentence for each.
    case filesTooShort([String])
    /// No memory backend has `durability=power-cut-test`.
    case noPowerCutTest
    /// A file could not be left as a power cut leaves it.
    case powerCut(path: String, SystemCallError)
    /// The machine has ended.
    case ended
    /// Between two power cycles.
    case startingOver
    /// No kernel was given, and there is no firmware that could find one.
    case noKernel

    public var description: String {
        switch self {
        case .kvm(let error): "\(error)"
        case .host(let error): "\(error)"
        case .layout(let error): "-m: \(error)"
        case .ram(let byteCount, let reason): "-m: no \(byteCount) bytes of RAM for the guest: \(reason); give less"
        case .object(let reason): reason
        case .deviceMemory(let option, let error): "\(option): \(error)"
        case .bus(let option, let error): "\(option): \(error)"
        case .addressSpace(let option, let error):
            "\(option): \(error)" + (error.bar == StorageBAR.index ? ", or leave x-shmem out" : "")
        case .configuration(let option, let error): "\(option): \(error)"
        case .guestMemory(let error): "guest memory: \(error)"
        case .bootFile(let option, let path, let error): "\(option) \(path): could not be read: \(error.errno)"
        case .boot(let option, let error): "\(option): \(error)"
        case .dialect(let error): error.message
        case .serial(let target, let error): "-serial \(target): \(Self.reason(error))"
        case .pidFile(let path, let error): "-pidfile \(path): \(error)"
        case .noFlushes(let id): "'\(id)' stores nothing for the guest, so it has no flushes"
        case .filesTooShort(let sentences): sentences.joined(separator: "; ")
        case .noPowerCutTest:
            "no memory backend has durability=power-cut-test: -object memory-backend-file,durability=power-cut-test,share=on,..."
        case .powerCut(let path, let error):
            "\(path) could not be left as a power cut leaves it: \(error.errno); it may be in between"
        case .ended: "the machine has ended"
        case .startingOver: "the machine is starting over; try again"
        case .noKernel:
            "no kernel: give one with -kernel (a bzImage, or an ELF file with a PVH entry); there is no firmware"
        }
    }
}

extension MachineError {
    private static func reason(_ error: SystemCallError) -> String {
        switch error.errno {
        case .resourceBusy: "another process has locked this file; end it, or give another path"
        case .noSuchAddressOrDevice: "this FIFO has no reader; start the reader first"
        default: "\(error)"
        }
    }

    init(_ error: AssemblyError) {
        switch error {
        case .dialect(let error): self = .dialect(error)
        case .object(let reason): self = .object(reason)
        case .addressSpace(let option, let error): self = .addressSpace(option, error)
        case .configuration(let option, let error): self = .configuration(option, error)
        }
    }
}

/// How a machine's run came to its end.
public enum Ending: Sendable, Equatable {
    /// The guest powered off.
    case poweredOff
    /// The guest asked for a reset, and `-no-reboot` makes that the end.
    case resetRefused
    /// A signal ended the monitor.
    case signal(CInt)
    /// The user did, at the terminal.
    case quit
    /// The machine could not go on; a sentence for a person.
    case failed(String)
}
