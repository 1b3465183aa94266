import Assembly
import Backend
import Host
import Logging
import VFIOUser
import VirtioPMem

/// A device behind its socket: one client at a time, each with a device of its own around the same storage. A client that comes
/// while another is there waits in the socket's queue.
final class DevicePort: Sendable {
    private let factory: DeviceFactory
    private let listener: SharedDescriptor
    private let log: Logger
    /// Of messages that guests and clients cause.
    private let quota = MessageQuota()
    /// Signalled when the last session has ended.
    let ended: EventFD

    var durability: Durability { factory.durability }

    init(_ factory: DeviceFactory, _ listener: SharedDescriptor, log: Logger) throws(ServeError) {
        self.factory = factory
        self.listener = listener
        self.log = log
        do throws(SystemCallError) { ended = try EventFD() } catch { throw .host(error) }
    }

    /// Serves clients on a thread of its own, until `stop` is signalled.
    func start(stop: EventFD) throws(SystemCallError) {
        _ = try HostThread(name: "serve \(factory.name)") { self.run(stop) }
    }

    private func run(_ stop: EventFD) {
        let interests = [Poll.Interest(stop.rawDescriptor), Poll.Interest(listener.rawValue)]
        while let ready = try? Poll.wait(interests), !ready[0] {
            guard let client = UnixSocket.accept(listener) else {
                // Somebody changed their mind, or there is no descriptor left: the next look is not to come at once.
                Sleep.milliseconds(10)
                continue
            }
            serve(client, stop)
        }
        ended.signal()
    }

    private func serve(_ client: consuming OwnedDescriptor, _ stop: EventFD) {
        let device: ServedDevice
        do {
            device = try factory.make(
                onEvent: { [self] in report($0) },
                activationFailed: { [self] in log.error("\(factory.name): the device could not start: \($0)") })
        } catch {
            return log.error("\(factory.name): a client was turned away: \(error)")
        }
        log.info("\(factory.name): a client has connected")
        let end = ClientConnection(client, device, stop: stop).run()
        report(end)
        synchronize()
    }

    /// What the last client's guest wrote without a flush is not lost either.
    private func synchronize() {
        do throws(SystemCallError) { try durability.synchronize() } catch {
            log.error("\(factory.name): \(path) could not be synchronized when its client left: \(error.errno)")
        }
    }

    private var path: String { durability.backend.path ?? "memory backend '\(durability.backend.id)'" }

    private func report(_ end: SessionEnd) {
        switch end {
        case .clientLeft: log.info("\(factory.name): the client has left")
        case .stopped: log.info("\(factory.name): the session was ended")
        case .misbehaved(let what):
            quota.log(.warning, "the client was turned away: \(what)", about: factory.name, to: log)
        case .failed(let error): log.error("\(factory.name): the session has failed: \(error)")
        }
    }

    private func report(_ event: PMemEvent) {
        let (level, text) = event.sentence(path: path, remedy: "this server is started anew")
        if event.isGuestsDoing { return quota.log(level, text, about: factory.name, to: log) }
        log.log(level: level, "\(factory.name): \(text)")
    }
}
