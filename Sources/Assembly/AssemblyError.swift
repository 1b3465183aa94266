public import PCI
public import QEMUDialect

/// Why an object or a device cannot be made of its options.
public enum AssemblyError: Error, Sendable, CustomStringConvertible {
    /// What can be seen from the text of an option or command.
    case dialect(DialectError)
    /// What the host refused to an object; a sentence.
    case object(String)
    /// No room for a BAR; with the device's option.
    case addressSpace(String, AddressSpaceExhausted)
    /// The registers of a function do not fit; with the device's option.
    case configuration(String, ConfigurationError)

    public var description: String {
        switch self {
        case .dialect(let error): error.message
        case .object(let reason): reason
        case .addressSpace(let option, let error): "\(option): \(error)"
        case .configuration(let option, let error): "\(option): \(error)"
        }
    }
}
