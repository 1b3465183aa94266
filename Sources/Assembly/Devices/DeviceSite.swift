/// What a device is part of, for words to a person.
public enum FrontEnd: Sendable {
    case machine, server
}

/// What surrounds a virtio device.
public struct DeviceSite: Sendable {
    public let frontEnd: FrontEnd
    /// Where the guest sees the device's memory; nil for a device without.
    public let memory: MemoryPlace?
    /// To be called from any thread.
    public let report: @Sendable (DeviceReport) -> Void
}
