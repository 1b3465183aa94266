import Assembly
import Host
import Logging
import Synchronization
import VFIOUser

/// A device behind its socket: one client at a time, each with a device of its own around the same storage. A client
/// that comes while another is there waits in the socket's queue.
final class DevicePort: Sendable {
    private let device: any ConfiguredDevice
    private let storage: ServedDevice.Storage?
    private let listener: SharedDescriptor
    private let log: Logger
    /// Of messages that guests and clients cause.
    private let quota = MessageQuota()
    /// Signalled when the last session has ended, and none is to come.
    let ended: EventFD
    private let reasonOfFailure = Mutex<String?>(nil)

    private var name: String { device.name }

    init(_ device: any ConfiguredDevice, _ listener: SharedDescriptor, log: Logger) throws(ServeError) {
        self.device = device
        storage = try device.memory.map { (memory) throws(ServeError) in
            try ServedDevice.Storage(memory, of: device.name)
        }
        self.listener = listener
        self.log = log
        ended = try mapError(EventFD(), to: ServeError.host)
    }

    /// Serves clients on a thread of its own, until `stop` is signalled.
    func start(stop: EventFD) throws(SystemCallError) {
        _ = try HostThread(name: "serve \(name)") { self.run(stop) }
    }

    /// Why no more clients are served; nil if that is in order. A sentence.
    var failure: String? { reasonOfFailure.withLock { $0 } }

    /// The session is not waited for any more.
    func giveUp() { fail("its session had not ended at the second signal") }

    private func fail(_ reason: String) { reasonOfFailure.withLock { $0 = "\(name): \(reason)" } }

    private func run(_ stop: EventFD) {
        let interests = [stop.interest, Poll.Interest(listener.rawValue)]
        do throws(SystemCallError) {
            while try !Poll.wait(interests)[0] {
                if let client = try acceptClient(stop) { serve(client, stop) }
            }
        } catch { fail("its socket takes no more clients: \(error)") }
        ended.signal()
    }

    /// - Returns: nil where the client has gone again, or the host lacks something; that may pass.
    private func acceptClient(_ stop: EventFD) throws(SystemCallError) -> OwnedDescriptor? {
        do throws(SystemCallError) { return try UnixSocket.acceptClient(listener) } catch {
            switch error.errno {
            case .wouldBlock, .resourceTemporarilyUnavailable, .connectionAbort:
                if UnixSocket.isShutDown(listener) {
                    throw SystemCallError(call: "accept", errno: .socketShutdown)
                }
            case .tooManyOpenFiles, .tooManyOpenFilesInSystem, .noMemory, .noBufferSpace:
                quota.log(.error, "a client cannot be taken now: \(error.errno)", about: name, to: log)
                _ = try Poll.wait([stop.interest], timeout: 100)
            default: throw error
            }
            return nil
        }
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
        let connection = ClientConnection(client, served, stop: stop) { [self] in
            quota.log(.warning, $0, about: name, to: log)
        }
        report(connection.run())
        if waitForTurn(stop) { device.finish()?.log(about: name, to: log, quota) }
    }

    /// A client that comes and goes all the time gets no more syncs than one that flushes.
    ///
    /// - Returns: false where the server ends meanwhile: its last sync is to come.
    private func waitForTurn(_ stop: EventFD) -> Bool {
        while let delay = device.flushControl?.takeTurn(), delay > 0 {
            let milliseconds = Int32(clamping: (delay &+ 999_999) / 1_000_000)
            if stop.isSignalled || (try? Poll.wait([stop.interest], timeout: min(milliseconds, 1000))) != [false] {
                return false
            }
        }
        return true
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
