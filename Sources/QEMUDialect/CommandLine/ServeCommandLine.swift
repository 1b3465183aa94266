import Options

/// What `serve` is asked for.
public struct ServeConfiguration: Sendable {
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
public enum ParsedServeCommand: Sendable {
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

/// The error for an option that `serve` does not have: an option of `run`, or an unknown one.
private func unknownServeOption(_ name: String) -> DialectError {
    guard OptionName(rawValue: name) != nil else { return unknownOption(name) }
    return .optionNotSupported(reason: "serve has no machine; that is the client's")
}

/// Gathers the options of `serve`.
private struct ServeConfigurationBuilder {
    private var configuration = ServeConfiguration()
    private var objects: [(any ObjectOptions, location: String)] = []
    private var devices: [(any DeviceOptions, location: String)] = []
    private(set) var warnings: [String] = []

    /// - Returns: a text that ends the matter, such as a help text.
    mutating func apply(_ option: OptionOccurrence<ServeOptionName>) throws(DialectError) -> String? {
        switch option.name {
        case .help, .helpShort: return serveHelpText
        case .version: return versionText
        case .object:
            return try take(parseObject(option.value), option.location) { (builder, object) throws(DialectError) in
                try checkServable(object)
                builder.objects.append((object, option.location))
            }
        case .device:
            return try take(parseDevice(option.value), option.location) { (builder, device) throws(DialectError) in
                try checkServable(device)
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

    /// The checks that need the whole command line.
    func finish() throws(CommandLineError) -> ServeConfiguration {
        var result = configuration
        for (object, location) in objects {
            do { try result.inventory.add(object) } catch { throw CommandLineError(location: location, reason: error) }
        }
        for (device, location) in devices {
            do { try result.inventory.add(device) } catch { throw CommandLineError(location: location, reason: error) }
        }
        guard !devices.isEmpty else { throw CommandLineError(location: nil, reason: .nothingToServe) }
        return result
    }
}
