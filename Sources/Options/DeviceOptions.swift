/// What is asked of a device, whatever its model.
public protocol DeviceOptions: Equatable, Sendable {
    /// The model's name, such as `virtio-pmem-pci`.
    static var model: String { get }
    /// What every virtio device on the PCI bus can be asked for.
    var pci: VirtioPCIOptions { get set }
    /// The objects that the device uses.
    var objects: [ObjectReference] { get }
}

extension DeviceOptions {
    public var model: String { Self.model }
    public var id: String? { pci.id }
    public var slot: PCISlot? { pci.slot }

    /// How messages call the device.
    public var displayName: String { id.map { "device '\($0)'" } ?? "a device without id" }

    /// What a device without an id is called; no id looks like that. Two devices may be called alike.
    public var anonymousName: String { objects.first.map { "\($0.property)=\($0.id)" } ?? model }

    public func isEqual(to other: any DeviceOptions) -> Bool { other as? Self == self }
}

/// What every virtio device on the PCI bus can be asked for.
public struct VirtioPCIOptions: Equatable, Sendable {
    /// The device's name, unique among devices; nil when it has none.
    public var id: String?
    /// `addr`: nil lets the machine choose.
    public var slot: PCISlot?
    /// `packed`: the driver may use a packed virtqueue. Default off, as in QEMU.
    public var offersPackedRing = false

    public init(id: String? = nil, slot: PCISlot? = nil) {
        self.id = id
        self.slot = slot
    }
}

/// An object that a device uses.
public struct ObjectReference: Equatable, Sendable {
    /// The device's property that names the object, such as `memdev`.
    public let property: String
    /// The object's id.
    public let id: String
    /// What the object has to be: an ``ObjectOptions/interface``.
    public let interface: String
    /// Whether no other device may use the object.
    public let isExclusive: Bool

    public init(property: String, id: String, interface: String, isExclusive: Bool) {
        self.property = property
        self.id = id
        self.interface = interface
        self.isExclusive = isExclusive
    }
}

/// Where on PCI bus 0 a device sits: `addr=05.0`.
public struct PCISlot: Hashable, Sendable {
    /// 0 to 31.
    public let device: UInt8
    /// 0 to 7.
    public let function: UInt8

    /// Nil where a number is out of range.
    public init?(device: UInt8, function: UInt8 = 0) {
        guard device < 32, function < 8 else { return nil }
        self.device = device
        self.function = function
    }
}
