/// The bits of the device status field (virtio 1.3, section 2.1).
public struct DeviceStatus: OptionSet, Sendable, Hashable {
    public let rawValue: UInt8

    public init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    /// The guest has found the device.
    public static let acknowledge = DeviceStatus(rawValue: 1)
    /// The guest has a driver for it.
    public static let driver = DeviceStatus(rawValue: 2)
    /// The driver runs the device.
    public static let driverOK = DeviceStatus(rawValue: 4)
    /// Both sides agree on the features.
    public static let featuresOK = DeviceStatus(rawValue: 8)
    /// The device met something that only a reset can repair.
    public static let needsReset = DeviceStatus(rawValue: 64)
    /// The driver has given up on the device.
    public static let failed = DeviceStatus(rawValue: 128)

    /// The bits that only a driver sets.
    static let ofDriver: DeviceStatus = [.acknowledge, .driver, .driverOK, .featuresOK, .failed]
}
