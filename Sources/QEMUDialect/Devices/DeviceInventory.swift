public import Options

/// The objects and devices of a machine by name: the checks of a new one against those that are there.
///
/// Nothing changes when a check fails, so that a refused object or device leaves no trace.
public struct DeviceInventory: Sendable {
    public private(set) var objects: [any ObjectOptions] = []
    public private(set) var devices: [NamedDevice] = []

    public init() {}

    /// - Throws: ``DialectError/duplicateIdentifier(_:kind:)``.
    public mutating func add(_ object: any ObjectOptions) throws(DialectError) {
        guard !objects.contains(where: { $0.id == object.id }) else {
            throw .duplicateIdentifier(object.id, kind: "object")
        }
        objects.append(object)
    }

    /// - Returns: the device's name.
    /// - Throws: when the id is taken, an object is unknown, in use or does not go with the device, or the slot is
    ///   taken.
    @discardableResult
    public mutating func add(_ device: any DeviceOptions) throws(DialectError) -> String {
        if let id = device.id, devices.contains(where: { $0.options.id == id }) {
            throw .duplicateIdentifier(id, kind: "device")
        }
        var used: [any ObjectOptions] = []
        for reference in device.objects { used.append(try resolve(reference)) }
        try DeviceModel.named(device.model).checkObjects(device, used)
        try checkSlot(of: device)
        let name = unusedName(for: device)
        devices.append(NamedDevice(name: name, options: device))
        return name
    }

    /// Forgets an object that no device uses.
    ///
    /// - Throws: ``DialectError/objectNotFound(_:)`` or ``DialectError/objectInUse(_:by:)``.
    public mutating func removeObject(_ id: String) throws(DialectError) {
        guard let index = objects.firstIndex(where: { $0.id == id }) else { throw .objectNotFound(id) }
        if let holder = devices.first(where: { $0.uses(id) }) {
            throw .objectInUse(id, by: holder.options.displayName)
        }
        objects.remove(at: index)
    }

    /// Forgets a device; one that is not there is no error.
    public mutating func removeDevice(named name: String) {
        devices.removeAll { $0.name == name }
    }

    private func resolve(_ reference: ObjectReference) throws(DialectError) -> any ObjectOptions {
        guard let object = objects.first(where: { $0.id == reference.id }) else {
            throw .linkedObjectNotFound(reference)
        }
        guard object.interface == reference.interface else { throw .linkedObjectDoesNotFit(reference) }
        if reference.isExclusive, let holder = devices.first(where: { $0.uses(reference.id) }) {
            throw .linkedObjectBusy(reference, by: holder.options.displayName)
        }
        return object
    }

    private func checkSlot(of device: any DeviceOptions) throws(DialectError) {
        guard let slot = device.slot else { return }
        if slot.device == 0 { throw .slotTaken(slot, model: device.model, by: "the host bridge") }
        if let holder = devices.first(where: { $0.options.slot == slot }) {
            throw .slotTaken(slot, model: device.model, by: holder.options.displayName)
        }
    }

    /// The id; without one, a name that no id can equal, numbered from the second of its kind on.
    private func unusedName(for device: any DeviceOptions) -> String {
        if let id = device.id { return id }
        var (name, number) = (device.anonymousName, 1)
        while devices.contains(where: { $0.name == name }) {
            number += 1
            name = "\(device.anonymousName)#\(number)"
        }
        return name
    }
}

/// A device, with a name that no other device of the machine has.
public struct NamedDevice: Sendable {
    public let name: String
    public let options: any DeviceOptions

    public init(name: String, options: any DeviceOptions) {
        self.name = name
        self.options = options
    }

    /// Whether the device uses the object of that id.
    func uses(_ id: String) -> Bool { options.objects.contains { $0.id == id } }
}
