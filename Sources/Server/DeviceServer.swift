import Assembly
import Host
public import Logging
public import QEMUDialect

/// Devices behind sockets, from their configuration to the server's end.
public final class DeviceServer {
    private let objects: ObjectRegistry
    private let ports: [DevicePort]
    private let stop: EventFD
    private let signals: SignalDescriptor
    /// Those that this process made.
    private let sockets: [ListeningSocket]
    private let pidFile: PIDFile?
    private let log: Logger

    /// Makes everything that can fail. Call it before any thread is started, so that signals arrive here.
    ///
    /// - Throws: why the server cannot be; nothing on disk has changed for the backend that failed.
    public init(_ configuration: ServeConfiguration, log: Logger) throws(ServeError) {
        self.log = log
        do throws(SystemCallError) {
            SignalDescriptor.ignoreBrokenPipes()
            signals = try SignalDescriptor.forEnding()
            stop = try EventFD()
        } catch { throw .host(error) }
        let given = try Self.takeGivenSockets(configuration)
        let (objects, devices) = try Self.makeDevices(configuration, log)
        let sockets = try given.isEmpty ? Self.listen(on: configuration.socketPaths) : []
        let opened = given.isEmpty ? sockets.map(\.descriptor) : given
        var ports: [DevicePort] = []
        for (device, listener) in zip(devices, opened) { ports.append(try DevicePort(device, listener, log: log)) }
        (self.objects, self.ports, self.sockets) = (objects, ports, sockets)
        pidFile = try Self.makePIDFile(configuration.pidFilePath)
    }

    /// Serves until a signal ends it, or a socket takes no more clients; then every session ends and every file is
    /// synchronized. A second signal does not wait for sessions any more, and no longer than some seconds for the
    /// files.
    ///
    /// - Returns: sentences about what failed; empty if nothing did.
    public func run() throws(ServeError) -> [String] {
        do throws(SystemCallError) {
            for port in ports { try port.start(stop: stop) }
            log.notice("serving \(ports.count) device\(ports.count == 1 ? "" : "s")")
            _ = try Poll.wait([signals.interest] + ports.map(\.ended.interest))
            _ = signals.next()
            stop.signal()
            try endSessions()
            return ports.compactMap(\.failure) + (try endObjects())
        } catch { throw .host(error) }
    }

    /// Waits until no session runs any more, or for the second signal.
    private func endSessions() throws(SystemCallError) {
        while true {
            let busy = ports.filter { !$0.ended.isSignalled }
            guard !busy.isEmpty else { return }
            guard try Poll.wait([signals.interest] + busy.map(\.ended.interest))[0] else { continue }
            _ = signals.next()
            for port in busy { port.giveUp() }
            return
        }
    }

    /// Synchronizes all files side by side, so that a disk that does not answer keeps no other file from it. A client
    /// may keep its mapping without its socket: this is the sync after which nothing is promised any more.
    private func endObjects() throws(SystemCallError) -> [String] {
        let ends = try objects.objects.map { (object) throws(SystemCallError) in try ObjectEnd(object, log) }
        var deadline: UInt64?
        while true {
            let busy = ends.filter { !$0.ended.isSignalled }
            let now = MonotonicTime.nanoseconds
            guard !busy.isEmpty, deadline.map({ now < $0 }) ?? true else { break }
            let timeout = deadline.map { Int32(clamping: ($0 - now) / 1_000_000 + 1) }
            guard try Poll.wait([signals.interest] + busy.map(\.ended.interest), timeout: timeout)[0] else { continue }
            _ = signals.next()
            // A further signal is the last one.
            guard deadline == nil else { break }
            deadline = now &+ Self.lastSyncNanoseconds
        }
        return ends.compactMap(\.failure)
    }

    /// How long a second signal lets a sync go on.
    private static let lastSyncNanoseconds: UInt64 = 5_000_000_000
}

// MARK: - Construction

extension DeviceServer {
    private static func takeGivenSockets(_ configuration: ServeConfiguration) throws(ServeError) -> [SharedDescriptor] {
        let (devices, paths) = (configuration.inventory.devices.count, configuration.socketPaths.count)
        let given = try mapError(SocketActivation.takeListeners(), to: ServeError.host)
        guard given.isEmpty || paths == 0 else { throw .socketsTwice }
        let count = given.isEmpty ? paths : given.count
        guard count == devices else { throw .socketCount(devices: devices, sockets: count, areGiven: !given.isEmpty) }
        return given
    }

    private static func makeDevices(
        _ configuration: ServeConfiguration, _ log: Logger
    ) throws(ServeError) -> (ObjectRegistry, [any ConfiguredDevice]) {
        var objects = ObjectRegistry()
        var devices: [any ConfiguredDevice] = []
        do throws(AssemblyError) {
            for options in configuration.inventory.objects { objects.add(try ObjectRegistry.make(options)) }
            for device in configuration.inventory.devices {
                devices.append(try DeviceRow.of(device.options).make(device, objects))
            }
        } catch { throw .assembly(error) }
        for device in devices {
            device.configureObjects()
            for warning in device.warnings { log.warning("\(warning)") }
        }
        return (objects, devices)
    }

    /// A failure removes the sockets that came before it, and so does any later one of the start.
    private static func listen(on paths: [String]) throws(ServeError) -> [ListeningSocket] {
        try paths.map { (path) throws(ServeError) in
            do throws(SystemCallError) { return try ListeningSocket(on: path) } catch { throw .socket(path, error) }
        }
    }

    private static func makePIDFile(_ path: String?) throws(ServeError) -> PIDFile? {
        guard let path else { return nil }
        do throws(PIDFileError) { return try PIDFile(path: path) } catch { throw .pidFile(path: path, error) }
    }
}
