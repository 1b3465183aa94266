import Assembly
import Host
import Logging
import Synchronization

/// The end of an object on a thread of its own, since its last sync may wait for a disk.
final class ObjectEnd: Sendable {
    private enum Outcome {
        case pending
        case done(failure: String?)
    }

    /// Signalled when it is done.
    let ended: EventFD
    private let object: any ConfiguredObject
    private let outcome = Mutex(Outcome.pending)

    init(_ object: any ConfiguredObject, _ log: Logger) throws(SystemCallError) {
        self.object = object
        ended = try EventFD()
        _ = try HostThread(name: "end \(object.id)") { self.run(log) }
    }

    /// What went wrong, or is not done yet; a sentence.
    var failure: String? {
        switch outcome.withLock({ $0 }) {
        case .done(let failure): failure
        case .pending:
            "\(object.memory?.path ?? object.id) may not be synchronized: its sync had not ended at the second signal; what the guest wrote since its last flush may be lost"
        }
    }

    private func run(_ log: Logger) {
        let failure = object.synchronize()?.text
        if let report = object.release() { log.log(level: report.level, "\(object.id): \(report.text)") }
        outcome.withLock { $0 = .done(failure: failure) }
        ended.signal()
    }
}
