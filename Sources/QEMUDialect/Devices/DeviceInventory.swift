/// The objects and devices of a machine by name: the checks of a new one against those that are there.
///
/// Nothing changes when a check fails, so that a refused object or device leaves no trace.
public struct DeviceInventory: Equatable, Sendable {
    public private(set) var backends: [MemoryBackendOptions] = []
    public private(set) var devices: [VirtioPMemOptions] = []

    public init() {}

    /// - Throws: ``DialectError/duplicateIdentifier(_:kind:)``.
    public mutating func add(_ backend: MemoryBackendOptions) throws(DialectError) {
        guard !backends.contains(where: { $0.id == backend.id }) else {
            throw .duplicateIdentifier(backend.id, kind: "object")
        }
        backends.append(backend)
    }

    /// - Throws: when the id is taken, the backend is unknown, in use or does not go with the device, or the slot is taken.
    public mutating func add(_ device: VirtioPMemOptions) throws(DialectError) {
        if let id = device.id, devices.contains(where: { $0.id == id }) {
            throw .duplicateIdentifier(id, kind: "device")
        }
        guard let backend = backends.first(where: { $0.id == device.memoryBackend }) else {
            throw .memoryBackendNotFound(device.memoryBackend)
        }
        if let holder = devices.first(where: { $0.memoryBackend == device.memoryBackend }) {
            throw .memoryBackendBusy(device.memoryBackend, by: holder.displayName)
        }
        if device.offersSharedMemoryRegion, backend.file?.durability == .powerCutTest {
            throw .unsupportedValue(
                parameter: "x-shmem", value: "on",
                reason:
                    "with durability=power-cut-test the memory has to stay where it is, or stores could be overlooked")
        }
        try checkSlot(of: device)
        devices.append(device)
    }

    /// Forgets a backend that no device uses.
    ///
    /// - Throws: ``DialectError/objectNotFound(_:)`` or ``DialectError/objectInUse(_:by:)``.
    public mutating func removeBackend(_ id: String) throws(DialectError) {
        guard let index = backends.firstIndex(where: { $0.id == id }) else { throw .objectNotFound(id) }
        if let holder = devices.first(where: { $0.memoryBackend == id }) {
            throw .objectInUse(id, by: holder.displayName)
        }
        backends.remove(at: index)
    }

    /// Forgets a device; one that is not there is no error.
    public mutating func removeDevice(_ device: VirtioPMemOptions) {
        devices.removeAll { $0 == device }
    }

    private func checkSlot(of device: VirtioPMemOptions) throws(DialectError) {
        guard let slot = device.slot else { return }
        if slot.device == 0 { throw .slotTaken(slot, by: "the host bridge") }
        if let holder = devices.first(where: { $0.slot == slot }) { throw .slotTaken(slot, by: holder.displayName) }
    }
}
