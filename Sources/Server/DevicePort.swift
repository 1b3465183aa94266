import Assembly
import Host
import Logging
import VFIOUser

/// A device behind its socket: one client at a time, each with a device of its own around the same storage. A client that comes
/// while another is there waits in the socket's queue.
final class DevicePort: Sendable {
    private let device: any ConfiguredDevice
    private let storage: ServedDevice.Storage?
    private let listener: SharedDescriptor
    private let log: Logger
    /// Of messages that guests and clients cause.
    private let quota = MessageQuota()
    /// Signalled when the last session has ended.
    let ended: EventFD

    private var name: String { device.name }

    init(_ device: any ConfiguredDevice, _ listener: SharedDescriptor, log: Logger) throws(ServeError) {
        self.device = device
        storage = try device.memory.map { (memory) throws(ServeError) in
            try ServedDevice.Storage(memory, of: device.name)
        }
        self.listener = listener
        self.log = log
        do throws(SystemCallError) { ended = try EventFD() } catch { throw .host(error) }
    }

    /// Serves clients on a thread of its own, until `stop` is signalled.
    func start(stop: EventFD) throws(SystemCallError) {
        _ = try HostThread(name: "serve \(name)") { self.run(stop) }
    }

    private func run(_ stop: EventFD) {
        let interests = [Poll.Interest(stop.rawDescriptor), Poll.Interest(listener.rawValue)]
        while let ready = try? Poll.wait(interests), !ready[0] {
            guard let client = UnixSocket.accept(listener) else {
                // The client has gone again, or no descriptor is left: wait, so that a lasting lack does not become a busy loop.
                Sleep.milliseconds(10)
                continue
            }
            serve(client, stop)
        }
        ended.signal()
    }

    /// Serves one client to its end, then makes durable what its guest wrote without a flush.
    private func serve(_ client: consuming OwnedDescriptor, _ stop: EventFD) {
        let served: ServedDevice
        do {
            served = try ServedDevice(of: device, storage) { [self] in $0.log(about: name, to: log, quota) }
        } catch {
            return log.error("\(name): a client was turned away: \(error)")
        }
        log.info("\(name): a client has connected")
        report(ClientConnection(client, served, stop: stop).run())
        device.finish()?.log(about: name, to: log, quota)
    }

    private func report(_ end: SessionEnd) {
        switch end {
        case .clientLeft: log.info("\(name): the client has left")
        case .stopped: log.info("\(name): the session was ended")
        case .misbehaved(let what):
            quota.log(.warning, "the client was turned away: \(what)", about: name, to: log)
        case .failed(let error): log.error("\(name): the session has failed: \(error)")
        }
    }
}
