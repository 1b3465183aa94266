import Options

/// Gathers the options of a command line into a ``MachineConfiguration``.
struct ConfigurationBuilder {
    private var configuration = MachineConfiguration()
    private var processors = ProcessorRequest()
    private var objects: [(any ObjectOptions, location: String)] = []
    private var devices: [(any DeviceOptions, location: String)] = []
    /// The last option of each kind that the final checks may complain about.
    private var locations: [OptionName: String] = [:]
    private var serialTargets: [SerialTarget?] = []
    /// `-serial mon:stdio`.
    private var sharesTerminal = false
    private var hasTakenStandardStreams = false
    private var hidesDisplay = false
    private(set) var warnings: [String] = []
    private var locatedWarnings = 0

    /// - Returns: an answer that ends the matter, such as a help text.
    mutating func apply(_ option: OptionOccurrence<OptionName>) throws(DialectError) -> ParsedCommand? {
        locations[option.name] = option.location
        switch option.name {
        case .help, .helpShort: return .help(helpText)
        case .version: return .version(versionText)
        case .object: return try addObject(option)
        case .device: return try addDevice(option)
        case .machine, .machineShort: return try checkMachine(option.value).map { .help($0) }
        case .accel: return try checkAccelerator(option.value).map { .help($0) }
        case .cpu: return try checkProcessorModel(option.value).map { .help($0) }
        case .memory: warnings += try configuration.memory.apply(option.value)
        case .smp: try processors.apply(option.value)
        case .serial: try addSerial(option.value)
        case .name: try setName(option.value)
        case .logLevel: configuration.logLevel = try parseLogLevel(option.value)
        case .kernel: configuration.kernelPath = option.value
        case .initrd: configuration.initrdPath = option.value
        case .append: configuration.kernelCommandLine = option.value
        case .pidfile: configuration.pidFilePath = option.value
        case .nographic: configuration.isNographic = true
        case .noReboot: configuration.endsOnReboot = true
        case .paused: configuration.startsPaused = true
        case .enableKVM, .nodefaults, .noUserConfig: break
        case .monitor: try addMonitor(option)
        case .qmp: try addQMP(option)
        case .display, .vga, .parallel, .net, .nic: try acceptNone(option)
        }
        return nil
    }

    /// Puts the option before each warning that it caused.
    mutating func locateWarnings(_ location: String) {
        for index in locatedWarnings..<warnings.count { warnings[index] = "\(location): \(warnings[index])" }
        locatedWarnings = warnings.count
    }

    private mutating func addObject(_ option: OptionOccurrence<OptionName>) throws(DialectError) -> ParsedCommand? {
        switch try parseObject(option.value) {
        case .help(let text): return .help(text)
        case .value(let object, let newWarnings):
            objects.append((object, option.location))
            warnings += newWarnings
            return nil
        }
    }

    private mutating func addDevice(_ option: OptionOccurrence<OptionName>) throws(DialectError) -> ParsedCommand? {
        switch try parseDevice(option.value) {
        case .help(let text): return .help(text)
        case .value(let device, let newWarnings):
            devices.append((device, option.location))
            warnings += newWarnings
            return nil
        }
    }

    private mutating func addSerial(_ text: String) throws(DialectError) {
        guard serialTargets.isEmpty else { throw .tooManySerialPorts }
        let target = try parseSerial(text)
        if target == .standardInputOutput { try takeStandardStreams() }
        sharesTerminal = text == "mon:stdio"
        serialTargets.append(target)
    }

    private mutating func addMonitor(_ option: OptionOccurrence<OptionName>) throws(DialectError) {
        let target = try parseMonitor(option.value)
        if target == .standardInputOutput { try takeStandardStreams() }
        configuration.monitors += target.map { [$0] } ?? []
    }

    private mutating func addQMP(_ option: OptionOccurrence<OptionName>) throws(DialectError) {
        let target = try parseMonitor(option.value)
        if target == .standardInputOutput { try takeStandardStreams() }
        configuration.qmps += target.map { [$0] } ?? []
    }

    private mutating func takeStandardStreams() throws(DialectError) {
        guard !hasTakenStandardStreams else { throw .standardStreamsTaken }
        hasTakenStandardStreams = true
    }

    private mutating func setName(_ text: String) throws(DialectError) {
        let (name, newWarnings) = try parseName(text)
        configuration.name = name ?? configuration.name
        warnings += newWarnings
    }

    /// Options of which only `none` is to be had.
    private mutating func acceptNone(_ option: OptionOccurrence<OptionName>) throws(DialectError) {
        guard option.value == "none" else { throw .optionNotSupported(reason: reasonForNone(option.name)) }
        if option.name == .display { hidesDisplay = true }
    }

    private func reasonForNone(_ name: OptionName) -> String {
        switch name {
        case .net, .nic: "there are no network devices; only none is possible"
        case .parallel: "there is no parallel port; only none is possible"
        default: "there is no display, the console is the serial port; only none is possible"
        }
    }

    /// The checks that need the whole command line.
    func finish() throws(CommandLineError) -> MachineConfiguration {
        var result = configuration
        do { try result.memory.check() } catch { throw located(error, at: locations[.memory]) }
        do { result.processors = try processors.resolve() } catch { throw located(error, at: locations[.smp]) }
        try checkKernel()
        for (object, location) in objects {
            do { try result.inventory.add(object) } catch { throw located(error, at: location) }
        }
        for (device, location) in devices {
            do { try result.inventory.add(device) } catch { throw located(error, at: location) }
        }
        try chooseSerial(&result)
        return result
    }

    /// QEMU shows the serial port in its window by default; here is none, and so it is the terminal's. Under
    /// -nographic the terminal is the monitor's, too, unless that was given another place.
    private func chooseSerial(_ result: inout MachineConfiguration) throws(CommandLineError) {
        let wantsTerminal = result.isNographic || !hidesDisplay
        if let chosen = serialTargets.first {
            result.serial = chosen
        } else if hasTakenStandardStreams {
            guard !result.isNographic else { throw located(.standardStreamsTaken, at: nil) }
            // The port is there, but leads nowhere, as in QEMU.
            result.serial = wantsTerminal ? .null : nil
        } else {
            result.serial = wantsTerminal ? .standardInputOutput : nil
        }
        let isShared = sharesTerminal || (result.isNographic && locations[.monitor] == nil)
        result.serialSharesTerminalWithMonitor = isShared && result.serial == .standardInputOutput
    }

    private func checkKernel() throws(CommandLineError) {
        guard configuration.kernelPath.isEmpty else { return }
        for option in [OptionName.append, .initrd] where locations[option] != nil {
            throw located(.onlyWithKernel(option: "-\(option.rawValue)"), at: nil)
        }
        throw located(.kernelMissing, at: nil)
    }

    private func located(_ reason: DialectError, at location: String?) -> CommandLineError {
        CommandLineError(location: location, reason: reason)
    }
}

/// - Throws: what `-x-needletail-log-level` takes instead.
func parseLogLevel(_ text: String) throws(DialectError) -> LogLevel {
    guard let level = LogLevel(rawValue: text) else {
        throw .valueNotAccepted(
            parameter: OptionName.logLevel.rawValue, value: text, accepted: LogLevel.allCases.map(\.rawValue))
    }
    return level
}
