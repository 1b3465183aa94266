public import Host
public import Virtio

/// Something about a device that a person should know.
public enum RNGEvent: Equatable, Sendable {
    /// The source has no more bytes; requests wait until it has. Told once per activation, with `sourceFailed`
    /// together.
    case sourceEnded
    /// The source cannot be read; requests wait until it can be. Told once per activation, with `sourceEnded` together.
    case sourceFailed(SystemCallError)
    /// What happened to the request queue.
    case queue(QueueEvent)
}

/// The entropy device (virtio 1.3, section 5.4), whichever front-end carries it.
public final class RNGDevice: VirtioDevice {
    public let traits = DeviceTraits(deviceID: 4, maximumQueueSizes: [8])
    public let doorbells: [EventFD]
    private let worker: QueueWorker

    /// - Parameters:
    ///   - id: the name that a person gave the device; its thread bears it.
    ///   - onEvent: called from the device's thread.
    /// - Throws: when the host has no eventfd left.
    public convenience init(
        id: String, source: any EntropySource, limit: EntropyLimit = .none,
        onEvent: @escaping @Sendable (RNGEvent) -> Void = { _ in }
    ) throws(SystemCallError) {
        try self.init(
            id: id, source: source, limit: limit, now: { MonotonicTime.nanoseconds }, onEvent: onEvent)
    }

    /// - Parameter now: a clock that only goes forward, in nanoseconds.
    init(
        id: String, source: any EntropySource, limit: EntropyLimit, now: @escaping @Sendable () -> UInt64,
        onEvent: @escaping @Sendable (RNGEvent) -> Void
    ) throws(SystemCallError) {
        let quota = EntropyQuota(limit, now: now)
        worker = try QueueWorker(
            name: "rng \(id)", onEvent: { onEvent(.queue($0)) },
            makeHandler: { EntropyHandler(source, quota, onEvent: onEvent) })
        doorbells = [worker.doorbell]
    }

    /// There is none (section 5.4.4).
    public func configuration(acceptedFeatures: UInt64) -> [UInt8] { [] }

    public func writeConfiguration(_ value: UInt64, byteCount: Int, at offset: Int) {}

    public func activate(_ activation: Activation) throws { try worker.start(activation, queue: 0) }

    public func deactivate(_ completion: @escaping @Sendable () -> Void) { worker.stop(completion) }
}
