/// What `info` tells about.
public enum InfoTopic: String, CaseIterable, Sendable {
    case cpus, kvm, memdev
    case memoryDevices = "memory-devices"
    case name, pci, pmem, qtree, status, version

    private var help: String {
        switch self {
        case .cpus: "show infos for each CPU"
        case .kvm: "show KVM information"
        case .memdev: "show memory backends"
        case .memoryDevices: "show memory devices"
        case .name: "show the current VM name"
        case .pci: "show PCI info"
        case .pmem: "show persistent memory: where it is, which file holds it, how its flushes went"
        case .qtree: "show device tree"
        case .status: "show the current VM status (running|paused)"
        case .version: "show the version of Needletail"
        }
    }

    var helpLine: String { "info \(rawValue)  -- \(help)\n" }

    /// Where `info`'s rules for arguments need a verb.
    fileprivate var verb: HMPVerb { HMPVerb([rawValue], help: help, command: .info(self)) }
}

var infoHelp: String { InfoTopic.allCases.map(\.helpLine).joined() }

let infoVerb = HMPVerb(
    ["info"], parameters: "[subcommand]", help: "show various information about the system state",
    candidates: { before, _ in before.isEmpty ? InfoTopic.allCases.map(\.rawValue) : [] }
) { (arguments) throws(HMPError) in
    guard let name = arguments.takeName() else { return .show(infoHelp) }
    guard let topic = InfoTopic(rawValue: name) else { throw .unknownCommand("info \(name)") }
    arguments.verb = topic.verb
    arguments.prefix = "info "
    return try topic.verb.parse(&arguments)
}
