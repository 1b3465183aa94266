import Logging
import Virtio

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
