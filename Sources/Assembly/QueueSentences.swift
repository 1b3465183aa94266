public import Logging
public import Virtio

extension QueueEvent {
    /// What a person is told of a queue, and how urgent that is.
    public var sentence: (level: Logger.Level, text: String) {
        switch self {
        case .malformedRequest(let error): (.warning, "a request that makes no sense: \(error)")
        case .malformedChain(let error): (.warning, "a descriptor chain that makes no sense: \(error)")
        case .broken(let error): (.warning, "the driver broke its queue, the device needs a reset: \(error)")
        case .doorbellFailed(let error): (.error, "the doorbell failed: \(error)")
        }
    }

    /// Whether the guest causes it: such messages are limited in number.
    public var isGuestsDoing: Bool {
        if case .doorbellFailed = self { false } else { true }
    }
}
