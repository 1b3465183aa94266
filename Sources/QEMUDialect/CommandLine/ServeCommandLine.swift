/// What `serve` is asked for.
public struct ServeConfiguration: Equatable, Sendable {
    /// The devices and their memory backends, in the order of the command line.
    public var inventory = DeviceInventory()
    /// `-socket`: one path for each device, in the same order; none where a service manager gives the sockets.
    public var socketPaths: [String] = []
    /// `-pidfile`: a path.
    public var pidFilePath: String?
    /// Nil shows notices and whatever is more urgent.
    public var logLevel: LogLevel?

    public init() {}
}

/// What the command line of `serve` asks for.
public enum ParsedServeCommand: Equatable, Sendable {
    /// Each warning is ready to be shown after the program's name.
    case serve(ServeConfiguration, warnings: [String])
    /// A text for standard output; the program ends with success.
    case help(String)
}

/// The options of `serve`.
enum ServeOptionName: String, CaseIterable, CommandLineOption {
    case object, device, socket, pidfile, help, version
    case helpShort = "h"
    case logLevel = "x-needletail-log-level"

    var takesValue: Bool {
        switch self {
        case .help, .helpShort, .version: false
        default: true
        }
    }
}

/// Parses the arguments of the `serve` verb.
///
/// - Parameter arguments: without the program's name and the verb.
/// - Throws: the first thing that is wrong. What depends on files and sockets is not looked at.
public func parseServeCommandLine(_ arguments: [String]) throws(CommandLineError) -> ParsedServeCommand {
    var builder = ServeConfigurationBuilder()
    for option in try lexCommandLine(arguments, names: ServeOptionName.self, unknown: unknownServeOption) {
        do throws(DialectError) {
            if let answer = try builder.apply(option) { return .help(answer) }
        } catch { throw CommandLineError(location: option.location, reason: error) }
    }
    return .serve(try builder.finish(), warnings: builder.warnings)
}

/// Tells an option that `run` has from one that nobody has.
private func unknownServeOption(_ name: String) -> DialectError {
    guard OptionName(rawValue: name) != nil else { return unknownOption(name) }
    return .optionNotSupported(reason: "serve has no machine; that is the client's")
}

/// Gathers the options of `serve`.
private struct ServeConfigurationBuilder {
    private var configuration = ServeConfiguration()
    private var backends: [(MemoryBackendOptions, location: String)] = []
    private var devices: [(VirtioPMemOptions, location: String)] = []
    private(set) var warnings: [String] = []

    /// - Returns: a text that ends the matter, such as a help text.
    mutating func apply(_ option: OptionOccurrence<ServeOptionName>) throws(DialectError) -> String? {
        switch option.name {
        case .help, .helpShort: return serveHelpText
        case .version: return versionText
        case .object:
            return try take(parseObject(option.value), option.location) { (builder, backend) throws(DialectError) in
                try Self.checkServable(backend)
                builder.backends.append((backend, option.location))
            }
        case .device:
            return try take(parseDevice(option.value), option.location) { (builder, device) throws(DialectError) in
                try Self.checkServable(device)
                builder.devices.append((device, option.location))
            }
        case .socket: configuration.socketPaths.append(option.value)
        case .pidfile: configuration.pidFilePath = option.value
        case .logLevel: configuration.logLevel = try parseLogLevel(option.value)
        }
        return nil
    }

    private mutating func take<Value>(
        _ parsed: ParsedOption<Value>, _ location: String,
        _ add: (inout Self, Value) throws(DialectError) -> Void
    ) throws(DialectError) -> String? {
        switch parsed {
        case .help(let text): return text
        case .value(let value, let more):
            warnings += more.map { "\(location): \($0)" }
            try add(&self, value)
            return nil
        }
    }

    /// The client maps the file itself, and stores into that mapping reach it.
    private static func checkServable(_ backend: MemoryBackendOptions) throws(DialectError) {
        if backend.kind == .ram {
            throw .unsupportedValue(
                parameter: "qom-type", value: backend.kind.rawValue,
                reason: "the client has to map a file; use memory-backend-file or memory-backend-memfd")
        }
        guard backend.isShared || backend.file?.isReadOnlyMemory == true else {
            throw .unsupportedValue(
                parameter: "share", value: "off",
                reason: "the client maps the file, and what its guest stores reaches it; say share=on, or readonly=on")
        }
        guard backend.file?.durability != .powerCutTest else {
            throw .unsupportedValue(
                parameter: "durability", value: "power-cut-test",
                reason: "the client maps the file, and what its guest stores cannot be kept from it; use needletail run"
            )
        }
    }

    private static func checkServable(_ device: VirtioPMemOptions) throws(DialectError) {
        if let slot = device.slot {
            throw .unsupportedValue(
                parameter: "addr", value: "\(slot.device)",
                reason: "the client's machine has the slots; give addr there")
        }
        guard device.memoryAddress == 0 else {
            throw .unsupportedValue(
                parameter: "memaddr", value: hexadecimal(device.memoryAddress),
                reason: "the memory is in a BAR, which the guest places")
        }
    }

    /// The checks that need the whole command line.
    func finish() throws(CommandLineError) -> ServeConfiguration {
        var result = configuration
        for (backend, location) in backends {
            do { try result.inventory.add(backend) } catch { throw CommandLineError(location: location, reason: error) }
        }
        for (device, location) in devices {
            do { try result.inventory.add(device) } catch { throw CommandLineError(location: location, reason: error) }
        }
        guard !devices.isEmpty else { throw CommandLineError(location: nil, reason: .nothingToServe) }
        return result
    }
}
