public import Logging
import Synchronization

/// How many messages a device's guest may cause in the monitor's log: a guest that does nothing but provoke them must
/// not fill the host's disk.
public final class MessageQuota: Sendable {
    private static let limit = 32
    private let count = Atomic(0)

    public init() {}

    /// Logs, unless the guest has caused enough; the last message says so.
    public func log(_ level: Logger.Level, _ text: @autoclosure () -> String, about device: String, to log: Logger) {
        // A counter that has passed the limit stands still, so that it can never wrap.
        guard count.load(ordering: .relaxed) < Self.limit else { return }
        let number = count.wrappingAdd(1, ordering: .relaxed).newValue
        if number < Self.limit { log.log(level: level, "\(device): \(text())") }
        if number == Self.limit {
            log.log(level: level, "\(device): more of what the guest does wrong is left out here")
        }
    }
}
