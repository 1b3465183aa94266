/// `-smp [cpus=]N[,sockets=,dies=,cores=,threads=,maxcpus=]`.
public struct ProcessorTopology: Equatable, Sendable {
    /// APIC ids of eight bits, one of which means all.
    public static let maximumProcessors: UInt64 = 255

    public var processors: UInt64 = 1
    public var sockets: UInt64 = 1
    public var dies: UInt64 = 1
    /// In a die.
    public var cores: UInt64 = 1
    /// In a core.
    public var threads: UInt64 = 1

    public init() {}

    /// How messages show the hierarchy.
    var product: String { "sockets (\(sockets)) * dies (\(dies)) * cores (\(cores)) * threads (\(threads))" }
}

/// What one or more `-smp` gave, before the rest is worked out.
struct ProcessorRequest: Equatable {
    private static let names = ["cpus", "sockets", "dies", "cores", "threads", "maxcpus"]
    private var given: [String: UInt64] = [:]

    mutating func apply(_ text: String) throws(DialectError) {
        let options = try OptionString(text, impliedName: "cpus", flags: .refused)
        for property in options.properties {
            guard Self.names.contains(property.name) else { throw .topologyParameterUnexpected(property.name) }
            guard let number = parseUnsigned(property.value) else {
                throw .expectsInteger(parameter: "smp.\(property.name)")
            }
            guard number > 0 else { throw .topologyParameterZero }
            guard number <= ProcessorTopology.maximumProcessors else { throw .tooManyProcessors(number) }
            given[property.name] = number
        }
    }

    /// Works out what was left open as QEMU has done since 6.2: cores before sockets before threads.
    ///
    /// Every number given is at most 255, so that the products fit.
    func resolve() throws(DialectError) -> ProcessorTopology {
        var topology = ProcessorTopology()
        topology.dies = given["dies"] ?? 1
        let total = given["maxcpus"] ?? given["cpus"]
        if let total {
            complete(&topology, total: total)
        } else {
            topology.sockets = given["sockets"] ?? 1
            topology.cores = given["cores"] ?? 1
            topology.threads = given["threads"] ?? 1
        }
        let product = topology.sockets * topology.dies * topology.cores * topology.threads
        let maximum = total ?? product
        topology.processors = given["cpus"] ?? maximum
        guard product == maximum else { throw .topologyMismatch(topology, maximum: maximum) }
        guard maximum >= topology.processors else {
            throw .maximumBelowProcessors(maximum: maximum, processors: topology.processors)
        }
        guard maximum <= ProcessorTopology.maximumProcessors else { throw .tooManyProcessors(maximum) }
        guard maximum == topology.processors else {
            throw .processorHotplugNotSupported(processors: topology.processors, maximum: maximum)
        }
        return topology
    }

    private func complete(_ topology: inout ProcessorTopology, total: UInt64) {
        topology.sockets = given["sockets"] ?? 0
        topology.cores = given["cores"] ?? 0
        topology.threads = given["threads"] ?? 0
        if topology.cores == 0 {
            topology.sockets = max(topology.sockets, 1)
            topology.threads = max(topology.threads, 1)
            topology.cores = total / (topology.sockets * topology.dies * topology.threads)
        } else if topology.sockets == 0 {
            topology.threads = max(topology.threads, 1)
            topology.sockets = total / (topology.dies * topology.cores * topology.threads)
        }
        if topology.threads == 0 {
            topology.threads = total / max(topology.sockets * topology.dies * topology.cores, 1)
        }
    }
}
