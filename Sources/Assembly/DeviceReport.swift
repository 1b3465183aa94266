public import Logging
public import QEMUDialect
import Virtio

/// What a person is told of a device or an object.
public struct DeviceReport: Sendable {
    public let level: Logger.Level
    /// A sentence without the name of the device.
    public let text: String
    /// Whether guests can cause it without end: such messages are limited in number (`MessageQuota`).
    public let isGuestsDoing: Bool
    /// What clients of monitors are told as well.
    public let event: MonitorEvent?

    public init(_ level: Logger.Level, _ text: String, isGuestsDoing: Bool = false, event: MonitorEvent? = nil) {
        self.level = level
        self.text = text
        self.isGuestsDoing = isGuestsDoing
        self.event = event
    }

    /// Logs it.
    public func log(about device: String, to log: Logger, _ quota: MessageQuota) {
        if isGuestsDoing { return quota.log(level, text, about: device, to: log) }
        log.log(level: level, "\(device): \(text)")
    }
}

extension DeviceReport {
    /// What a person is told of a queue.
    init(_ event: QueueEvent) {
        switch event {
        case .malformedRequest(let error):
            self.init(.warning, "a request that makes no sense: \(error)", isGuestsDoing: true)
        case .malformedChain(let error):
            self.init(.warning, "a descriptor chain that makes no sense: \(error)", isGuestsDoing: true)
        case .broken(let error):
            self.init(
                .warning, "the driver broke its queue, the device needs a reset: \(error)", isGuestsDoing: true)
        case .doorbellFailed(let error): self.init(.error, "the doorbell failed: \(error)")
        }
    }
}
