/// The options of a verb, by the name that follows the dash (or the two).
protocol CommandLineOption: RawRepresentable, Hashable where RawValue == String {
    var takesValue: Bool { get }
}

/// The options of `run`.
enum OptionName: String, CaseIterable, CommandLineOption {
    case machine, accel, cpu, smp, name, object, device, kernel, initrd, append, serial, monitor, qmp, nographic,
        pidfile
    case machineShort = "M"
    case enableKVM = "enable-kvm"
    case memory = "m"
    case paused = "S"
    case noReboot = "no-reboot"
    case logLevel = "x-needletail-log-level"
    case help, version
    case helpShort = "h"
    // The next are accepted where they change nothing.
    case nodefaults, display, vga, parallel, net, nic
    case noUserConfig = "no-user-config"

    var takesValue: Bool {
        switch self {
        case .nographic, .enableKVM, .paused, .noReboot, .help, .helpShort, .version, .nodefaults, .noUserConfig: false
        default: true
        }
    }
}

/// One option of a command line.
struct OptionOccurrence<Name: CommandLineOption>: Equatable {
    let name: Name
    /// Empty for an option that takes none.
    let value: String
    /// As typed, with the value.
    let location: String
}
