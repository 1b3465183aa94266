public import GuestMemory
public import Host
public import Options
public import QEMUDialect
public import Virtio

/// A device as its options describe it, with the objects that it uses: what stays through reboots and from client to
/// client. Each power cycle of a machine, and each client of a server, has a virtio device of its own from it.
public protocol ConfiguredDevice: AnyObject, Sendable {
    /// As it was asked for, with the name that no other device has.
    var named: NamedDevice { get }
    /// What the guest sees as memory beside its RAM; nil for a device without.
    var memory: DeviceMemory? { get }
    /// What a person should know although the device works; a sentence each.
    var warnings: [String] { get }
    /// What makes its flushes durable; nil for a device without.
    var flushControl: (any FlushControl)? { get }
    /// What `info memory-devices` tells of it, but for where the machine has put it; nil for a device without memory.
    var memoryStatus: MemoryDeviceStatus? { get }

    /// What `info qtree` shows of it.
    ///
    /// - Parameter range: where the guest sees its memory now; nil while it does not, and for a device without.
    func properties(memoryAt range: GuestRange?) -> [DeviceProperty]

    /// The device was added, and nothing about it was refused: what it asks of its objects holds from now on.
    func configureObjects()

    /// Makes the virtio device for one power cycle or one client.
    ///
    /// - Throws: what the host has no more of.
    func makeDevice(_ site: DeviceSite) throws(SystemCallError) -> any VirtioDevice

    /// What is to be done when the device was unplugged, or its client has gone; its virtio device is gone by then.
    /// May wait for the disk.
    ///
    /// - Returns: what failed.
    func finish() -> DeviceReport?
}

extension ConfiguredDevice {
    public var memory: DeviceMemory? { nil }
    public var warnings: [String] { [] }
    public var flushControl: (any FlushControl)? { nil }
    public var memoryStatus: MemoryDeviceStatus? { nil }
    public func configureObjects() {}
    public func finish() -> DeviceReport? { nil }

    public var name: String { named.name }
    /// The id that was given.
    public var id: String? { named.options.id }
    /// How the command line asks for it, as far as that tells devices apart.
    public var optionText: String { named.options.optionText }
}

extension DeviceOptions {
    /// How the command line asks for the device, as far as that tells devices apart.
    public var optionText: String {
        let property = id.map { "id=\($0)" } ?? objects.first.map { "\($0.property)=\($0.id)" }
        return "-device \(model)" + (property.map { ",\($0)" } ?? "")
    }
}

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
