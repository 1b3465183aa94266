public import Options
public import QEMUDialect

/// A QMP command with its arguments, understood.
public enum QMPCommand: Sendable {
    case negotiateCapabilities
    case query(QMPQuery)
    case addObject(any ObjectOptions)
    case removeObject(id: String)
    case addDevice(any DeviceOptions)
    case removeDevice(id: String)
    case clearFailure(id: String)
    case setFlushLimit(id: String, FlushLimitOptions)
    case cutPower(PowerCutOptions)
    case listProperties(typeName: String)
    case humanMonitor(line: String, processor: Int64?)
    case stop
    case resume
    case powerDown
    case reset
    case quit
}

/// The commands that only ask, and take no arguments.
public enum QMPQuery: String, CaseIterable, Sendable {
    case version = "query-version"
    case commands = "query-commands"
    case status = "query-status"
    case name = "query-name"
    case kvm = "query-kvm"
    case processors = "query-cpus-fast"
    case memoryBackends = "query-memdev"
    case memoryDevices = "query-memory-devices"
    case pci = "query-pci"
    case persistentMemory = "x-needletail-query-pmem"
}

/// A command's name, and how its arguments are understood.
struct QMPVerb: Sendable {
    let name: String
    let parse: @Sendable (inout ArgumentReader) throws(QMPError) -> QMPCommand

    init(_ name: String, _ parse: @escaping @Sendable (inout ArgumentReader) throws(QMPError) -> QMPCommand) {
        self.name = name
        self.parse = parse
    }

    init(_ name: String, command: QMPCommand) {
        self.init(name) { (_) throws(QMPError) in command }
    }
}

let qmpVerbs: [QMPVerb] =
    [capabilitiesVerb] + QMPQuery.allCases.map { QMPVerb($0.rawValue, command: .query($0)) }
    + [objectAddVerb, objectDelVerb, deviceAddVerb, deviceDelVerb, listPropertiesVerb, humanMonitorVerb]
    + runStateVerbs + [clearFailureVerb, setFlushLimitVerb, powerCutVerb]

extension QMPRequest {
    /// Understands the request's command.
    ///
    /// - Throws: the first thing that is wrong. Whether names exist depends on the machine.
    public func command() throws(QMPError) -> QMPCommand {
        guard let verb = qmpVerbs.first(where: { $0.name == name }) else { throw .commandNotFound(name) }
        var reader = ArgumentReader(arguments)
        let command = try verb.parse(&reader)
        try reader.finish()
        return command
    }
}
