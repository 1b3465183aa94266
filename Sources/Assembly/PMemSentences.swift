public import Logging
public import VirtioPMem

extension PMemEvent {
    /// What a person is told of a device's event, and how urgent that is.
    ///
    /// - Parameters:
    ///   - path: the device's file, or what stands for one.
    ///   - remedy: what ends the failure of every later flush.
    public func sentence(path: String, remedy: String) -> (level: Logger.Level, text: String) {
        switch self {
        case .syncFailed(let error):
            (
                .error,
                "\(path) could not be synchronized: \(error.errno). What the guest wrote since its last flush may be lost; every flush fails from now on, until \(remedy)"
            )
        case .notDurable:
            (
                .warning,
                "the guest asked for durability, but nothing that it writes reaches a file (share=off): its flushes fail. Say share=on to keep the data, or discard-data=on if it is to be thrown away"
            )
        case .queue(let event): event.sentence
        }
    }

    /// Whether the guest causes it: such messages are limited in number.
    public var isGuestsDoing: Bool {
        switch self {
        case .syncFailed: false
        case .notDurable: true
        case .queue(let event): event.isGuestsDoing
        }
    }
}
