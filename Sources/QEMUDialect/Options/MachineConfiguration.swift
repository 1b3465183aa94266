/// What a command line asks for, checked as far as the text alone allows.
public struct MachineConfiguration: Sendable {
    public var memory = MemorySize()
    public var processors = ProcessorTopology()
    /// `-kernel`, a path on the host.
    public var kernelPath = ""
    /// `-initrd`, a path on the host.
    public var initrdPath: String?
    /// `-append`.
    public var kernelCommandLine = ""
    /// Memory-backend objects and devices, each in the order given.
    public var inventory = DeviceInventory()
    /// Where the serial port goes; nil: there is no serial port.
    public var serial: SerialTarget?
    /// Standard input and output belong to the serial port and to a human monitor, between which Ctrl-A c switches.
    public var serialSharesTerminalWithMonitor = false
    /// `-monitor`, without the one that shares the serial port's terminal.
    public var monitors: [MonitorTarget] = []
    /// `-qmp`.
    public var qmps: [MonitorTarget] = []
    /// `-name`.
    public var name: String?
    /// `-pidfile`, a path on the host.
    public var pidFilePath: String?
    /// `-no-reboot`: end instead of starting over.
    public var endsOnReboot = false
    /// `-S`: the vCPUs wait for the monitor's `cont`.
    public var startsPaused = false
    /// `-nographic`.
    public var isNographic = false
    /// `-x-needletail-log-level`; nil: not given.
    public var logLevel: LogLevel?

    public init() {}
}

/// How much the monitor tells about itself on standard error.
public enum LogLevel: String, CaseIterable, Sendable {
    case trace, debug, info, notice, warning, error, critical
}
