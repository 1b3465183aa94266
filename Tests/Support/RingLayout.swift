public import Virtio

/// Which kind of virtqueue a test uses.
public enum RingLayout: CaseIterable, Sendable {
    case split, packed

    /// What the driver accepts to get it, VERSION_1 included.
    public func features(eventIndex: Bool = false, indirect: Bool = false) -> UInt64 {
        Feature.version1 | (self == .packed ? Feature.packedRing : 0) | (eventIndex ? Feature.eventIndex : 0)
            | (indirect ? Feature.indirectDescriptors : 0)
    }

    public func makeDriverQueue(_ ram: GuestRAM, size: UInt16, eventIndex: Bool = false) throws -> any DriverQueue {
        switch self {
        case .split: try SplitDriverQueue(ram, size: size, hasEventIndex: eventIndex)
        case .packed: try PackedDriverQueue(ram, size: size, hasEventIndex: eventIndex)
        }
    }
}

extension DriverQueue {
    /// What an embedded transport is told about this queue.
    public var embedded: EmbeddedTransport.Queue {
        EmbeddedTransport.Queue(
            size: size, descriptorArea: descriptorArea, driverArea: driverArea, deviceArea: deviceArea)
    }

    /// What a device's queue is made from, without a transport.
    public func activation(interrupt: any InterruptLine = NoInterrupt()) -> QueueActivation {
        QueueActivation(
            size: size, descriptorArea: descriptorArea, driverArea: driverArea, deviceArea: deviceArea,
            interrupt: interrupt)
    }
}

/// An interrupt that goes nowhere.
public struct NoInterrupt: InterruptLine {
    public init() {}
    public func signal() {}
}
