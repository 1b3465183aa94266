import Assembly
import Host
public import Logging
public import QEMUDialect

/// Devices behind sockets, from their configuration to the server's end.
public final class Server {
    private let objects: ObjectRegistry
    private let ports: [DevicePort]
    private let stop: EventFD
    private let signals: SignalDescriptor
    /// Those that this process made.
    private let sockets: [String]
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
        let opened = try given.isEmpty ? Self.listen(on: configuration.socketPaths) : given
        sockets = given.isEmpty ? configuration.socketPaths : []
        var ports: [DevicePort] = []
        for (device, listener) in zip(devices, opened) { ports.append(try DevicePort(device, listener, log: log)) }
        (self.objects, self.ports) = (objects, ports)
        pidFile = try Self.makePIDFile(configuration.pidFilePath)
    }

    deinit { for path in sockets { Process.removeFile(path) } }

    /// Serves until a signal ends it; then every session ends and every file is synchronized. A second signal does not wait for
    /// that.
    ///
    /// - Returns: sentences about what failed; empty if nothing did.
    public func run() throws(ServeError) -> [String] {
        do throws(SystemCallError) {
            for port in ports { try port.start(stop: stop) }
            log.notice("serving \(ports.count) device\(ports.count == 1 ? "" : "s")")
            _ = try Poll.wait([Poll.Interest(signals.rawDescriptor)])
            _ = signals.next()
            stop.signal()
            for port in ports {
                let ready = try Poll.wait([
                    Poll.Interest(signals.rawDescriptor), Poll.Interest(port.ended.rawDescriptor),
                ])
                if ready[0], !ready[1] {
                    return ["ended by a second signal, without waiting for the sessions and the last sync"]
                }
            }
        } catch { throw .host(error) }
        return finish()
    }

    /// A client may keep its mapping without its socket: this is the sync after which nothing is promised any more.
    private func finish() -> [String] {
        var failures: [String] = []
        for object in objects.objects {
            if let failure = object.synchronize() { failures.append(failure.text) }
            if let report = object.release() { log.log(level: report.level, "\(object.id): \(report.text)") }
        }
        return failures
    }
}

// MARK: - Construction

extension Server {
    private static func takeGivenSockets(_ configuration: ServeConfiguration) throws(ServeError) -> [SharedDescriptor] {
        let (devices, paths) = (configuration.inventory.devices.count, configuration.socketPaths.count)
        let given: [SharedDescriptor]
        do throws(SystemCallError) { given = try SocketActivation.takeListeners() } catch { throw .host(error) }
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
            for options in configuration.inventory.objects { _ = try objects.add(options) }
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

    private static func listen(on paths: [String]) throws(ServeError) -> [SharedDescriptor] {
        var listeners: [SharedDescriptor] = []
        for (index, path) in paths.enumerated() {
            do throws(SystemCallError) {
                listeners.append(SharedDescriptor(try UnixSocket.listen(on: path)))
            } catch {
                for made in paths.prefix(index) { Process.removeFile(made) }
                throw .socket(path, error)
            }
        }
        return listeners
    }

    private static func makePIDFile(_ path: String?) throws(ServeError) -> PIDFile? {
        guard let path else { return nil }
        do throws(SystemCallError) { return try PIDFile(path: path) } catch { throw .pidFile(path: path, error) }
    }
}
