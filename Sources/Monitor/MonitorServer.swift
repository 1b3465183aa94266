import Host
public import Logging
import NIOCore
import NIOPosix
public import QEMUDialect
import Synchronization
import SystemPackage

/// The monitors that a command line asks for, served by one event loop. Exists only if there are any: it costs a
/// thread.
public final class MonitorServer: Sendable {
    private enum Kind: String {
        case human = "-monitor"
        case qmp = "-qmp"
    }

    private struct State {
        var listeners: [Listener] = []
        var standardStreams: StandardStreamsMonitor?
    }

    private let machine: any MachineControl
    private let log: Logger
    private let group: MultiThreadedEventLoopGroup
    private let connections = Connections()
    private let state = Mutex(State())

    /// Opens every monitor of a configuration.
    ///
    /// - Returns: nil where there is none. A monitor that shares the serial port's terminal is none of these: see
    ///   ``HMPSession``.
    /// - Throws: for the first that cannot be opened; none is open then.
    public static func start(
        _ configuration: MachineConfiguration, _ machine: any MachineControl, log: Logger
    ) throws(MonitorError) -> MonitorServer? {
        guard !configuration.monitors.isEmpty || !configuration.qmps.isEmpty else { return nil }
        let server = MonitorServer(machine, log: log)
        do throws(MonitorError) {
            for target in configuration.monitors { try server.open(.human, target) }
            for target in configuration.qmps { try server.open(.qmp, target) }
        } catch {
            server.shutDown()
            throw error
        }
        return server
    }

    private init(_ machine: any MachineControl, log: Logger) {
        self.machine = machine
        self.log = log
        group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    }

    /// Sends what clients have not got yet, for a moment at most, disconnects them, and removes the sockets. To be
    /// called once.
    public func shutDown() {
        let (listeners, standardStreams) = state.withLock { ($0.listeners, $0.standardStreams) }
        for listener in listeners { listener.close() }
        connections.finish()
        standardStreams?.finish()
        try? group.syncShutdownGracefully()
    }

    private func open(_ kind: Kind, _ target: MonitorTarget) throws(MonitorError) {
        do {
            switch target {
            case .standardInputOutput:
                let monitor = try StandardStreamsMonitor(isForPeople: kind == .human, makeSession: sessionMaker(kind))
                state.withLock { $0.standardStreams = monitor }
            case .unixSocket(let path, .server(let waits)):
                try add(Listener.unix(path: path, clients(kind)), kind, target, waits: waits)
            case .tcpSocket(let host, let port, .server(let waits)):
                try add(Listener.tcp(host: host, port: port, clients(kind)), kind, target, waits: waits)
            case .unixSocket(let path, .client):
                _ = try clientBootstrap(kind).connect(unixDomainSocketPath: path).wait()
            case .tcpSocket(let host, let port, .client):
                _ = try clientBootstrap(kind).connect(host: host.isEmpty ? "127.0.0.1" : host, port: Int(port)).wait()
            }
        } catch {
            throw MonitorError(option: "\(kind.rawValue) \(target.text)", reason: Self.reason(error))
        }
    }

    private func add(_ listener: Listener, _ kind: Kind, _ target: MonitorTarget, waits: Bool) throws {
        state.withLock { $0.listeners.append(listener) }
        guard waits else { return }
        log.notice("\(kind.rawValue) \(target.text): waiting for a client (wait=off does not wait)")
        try listener.firstClient.wait()
    }

    private func clients(_ kind: Kind) -> Clients {
        Clients(group, connections, makeSession: sessionMaker(kind))
    }

    private func clientBootstrap(_ kind: Kind) -> ClientBootstrap {
        let clients = clients(kind)
        return ClientBootstrap(group: group).channelInitializer { clients.adopt($0) }
    }

    private func sessionMaker(_ kind: Kind) -> Clients.SessionMaker {
        let machine = machine
        switch kind {
        case .human: return { HMPSession(machine, output: $0) }
        case .qmp: return { QMPSession(machine, output: $0) }
        }
    }

    private static func reason(_ error: any Error) -> String {
        switch error {
        case let error as SystemCallError: "\(error.errno)"
        case let error as IOError: "\(Errno(rawValue: error.errnoCode))"
        case let error as NIOConnectionError: error.connectionErrors.first.map { reason($0.error) } ?? "\(error)"
        default: "\(error)"
        }
    }
}

extension MonitorTarget {
    /// As it is written on the command line, without what has no bearing on its place.
    fileprivate var text: String {
        switch self {
        case .standardInputOutput: "stdio"
        case .unixSocket(let path, _): "unix:\(path)"
        case .tcpSocket(let host, let port, _): "tcp:\(host):\(port)"
        }
    }
}
