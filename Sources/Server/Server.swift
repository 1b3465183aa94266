import Assembly
import Backend
import Host
public import Logging
import Options
public import QEMUDialect
import VirtioPMem

/// Devices behind sockets, from their configuration to the server's end.
public final class Server {
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
        let factories = try Self.makeFactories(configuration, log)
        let opened = try given.isEmpty ? Self.listen(on: configuration.socketPaths) : given
        sockets = given.isEmpty ? configuration.socketPaths : []
        var ports: [DevicePort] = []
        for (factory, listener) in zip(factories, opened) { ports.append(try DevicePort(factory, listener, log: log)) }
        self.ports = ports
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
        return ports.compactMap { Self.finish($0.durability) }
    }

    /// A client may keep its mapping without its socket: this is the sync after which nothing is promised any more.
    private static func finish(_ durability: Durability) -> String? {
        let backend = durability.backend
        defer { backend.discardIfAsked() }
        do throws(SystemCallError) {
            try durability.synchronize()
            return nil
        } catch {
            return
                "\(backend.path ?? backend.id) could not be synchronized: \(error.errno); what the guest wrote since its last flush may be lost"
        }
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

    private static func makeFactories(
        _ configuration: ServeConfiguration, _ log: Logger
    ) throws(ServeError) -> [DeviceFactory] {
        var durabilities: [Durability] = []
        for options in configuration.inventory.objects {
            let made: (any MemoryBackend)?
            do throws(MemoryBackendError) { made = try makeMemoryBackend(options) } catch {
                throw .backend(options.id, error)
            }
            guard let backend = made, let memory = options.memoryBackend else {
                throw .dialect(.objectTypeNotImplemented(options.type))
            }
            durabilities.append(Durability(of: backend, policy: FlushPolicy(memory)))
        }
        var factories: [DeviceFactory] = []
        for device in configuration.inventory.devices {
            guard let options = device.options as? VirtioPMemOptions else {
                throw .dialect(.modelNotImplemented(device.options.model))
            }
            guard let durability = durabilities.first(where: { $0.backend.id == options.memoryBackend }) else {
                continue
            }
            for warning in durability.backend.warnings { log.warning("\(warning)") }
            durability.limiter.limit = FlushLimit(options.flushLimit)
            factories.append(
                try DeviceFactory(
                    name: device.name, durability: durability, queueSize: options.queueSize,
                    offersPackedRing: options.pci.offersPackedRing))
        }
        return factories
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
