public import Options
public import QEMUDialect

// From options to what they ask for. A new device or type of object is a file with its row, and a line here.

/// A device model: how its options become a device.
public struct DeviceRow: Sendable {
    let model: String
    /// What the memory of a device takes of the guest's address space, if it has some: known before any object is
    /// made, which might create a file.
    public let memoryNeed: @Sendable (any DeviceOptions, DeviceInventory) -> DeviceMemoryNeed?
    /// Makes the device, over objects that are there.
    public let make: @Sendable (NamedDevice, ObjectRegistry) throws(AssemblyError) -> any ConfiguredDevice

    private static let rows = [virtioPMem, virtioRNG]

    /// The row of a model.
    ///
    /// - Throws: `dialect` for one that the dialect alone has.
    public static func of(_ options: any DeviceOptions) throws(AssemblyError) -> DeviceRow {
        guard let row = rows.first(where: { $0.model == options.model }) else {
            throw .dialect(.modelNotImplemented(options.model))
        }
        return row
    }
}

/// A kind of object: how its options become an object; nil for options of other kinds.
struct ObjectRow: Sendable {
    let make: @Sendable (any ObjectOptions) throws(AssemblyError) -> (any ConfiguredObject)?

    private static let rows = [memoryBackends, entropySources]

    /// - Throws: `dialect` for a type that the dialect alone has, `object` for what the host refused.
    static func make(_ options: any ObjectOptions) throws(AssemblyError) -> any ConfiguredObject {
        for row in rows { if let object = try row.make(options) { return object } }
        throw .dialect(.objectTypeNotImplemented(options.type))
    }
}
