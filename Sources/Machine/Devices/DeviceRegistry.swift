import Assembly
import Backend
import Board
import GuestMemory
import Host
import Logging
import Options
import PCI
import QEMUDialect

/// The machine's objects and devices, through reboots: what exists by name, and which addresses are taken.
struct DeviceRegistry {
    /// Names and rules; the text side of the same objects.
    private(set) var inventory = DeviceInventory()
    private(set) var objects = ObjectRegistry()
    private(set) var devices: [MachineDevice] = []
    /// Tells when another process makes a backend's file shorter; nil where the host has no more watches to give.
    let fileWatch = try? FileWatch()
    private var allocator: DeviceMemoryAllocator
    /// Slots that a device of the command line asks for by number.
    private let wantedSlots: [Int]
    private let log: Logger

    /// Makes what the command line asks for.
    ///
    /// - Throws: `dialect`, `object`, `deviceMemory` or `addressSpace`.
    init(_ configured: DeviceInventory, layout: BoardLayout, log: Logger) throws(MachineError) {
        allocator = DeviceMemoryAllocator(layout: layout)
        self.log = log
        wantedSlots = configured.devices.compactMap { $0.options.slotNumber }
        let plan = try DevicePlan(configured)
        try plan.check(allocator, Platform.windows(of: layout))
        for options in configured.objects { try addObject(options) }
        for device in plan.inOrderOfPlacement { _ = try makeDevice(device) }
        inventory = configured
        devices = configured.devices.compactMap { device in devices.first { $0.name == device.name } }
    }

    /// Takes an object's name, before the object is made.
    ///
    /// - Throws: `dialect` for a name that is taken.
    mutating func reserve(_ options: any ObjectOptions) throws(MachineError) {
        try mapError(inventory.add(options), to: MachineError.dialect)
    }

    /// Takes in an object whose name was reserved.
    mutating func add(_ object: any ConfiguredObject) {
        objects.add(object)
        if let fileWatch { try? object.memory?.watch(by: fileWatch) }
    }

    /// Gives back a name whose object could not be made.
    mutating func cancelReservation(_ id: String) { try? inventory.removeObject(id) }

    private mutating func addObject(_ options: any ObjectOptions) throws(MachineError) {
        do throws(AssemblyError) { add(try ObjectRegistry.make(options)) } catch { throw MachineError(error) }
    }

    /// Gives up an object that no device uses.
    ///
    /// - Returns: the object, whose release may take long.
    /// - Throws: `dialect` if there is none of this name, or it is in use.
    mutating func removeObject(_ id: String) throws(MachineError) -> any ConfiguredObject {
        // One that is still being made is not there yet.
        guard let object = objects[id] else { throw .dialect(.objectNotFound(id)) }
        try mapError(inventory.removeObject(id), to: MachineError.dialect)
        objects.remove(id)
        return object
    }

    /// What makes the stores into a device or a memory backend durable, by its id.
    ///
    /// - Throws: `dialect` if there is none of this name, `noFlushes` for one without.
    func flushControl(of id: String) throws(MachineError) -> any FlushControl {
        let device = devices.first { $0.name == id }
        let object = device == nil ? objects[id] : nil
        guard device != nil || object != nil else { throw .dialect(.deviceNotFound(id)) }
        guard let control = device?.configured.flushControl ?? object?.flushControl else { throw .noFlushes(id) }
        return control
    }

    /// Makes a device and gives it its addresses.
    ///
    /// - Throws: `dialect` or `deviceMemory`; nothing has changed then.
    mutating func addDevice(_ options: any DeviceOptions) throws(MachineError) -> MachineDevice {
        var next = inventory
        let name = try mapError(next.add(options), to: MachineError.dialect)
        let device = try makeDevice(NamedDevice(name: name, options: options))
        inventory = next
        return device
    }

    private mutating func makeDevice(_ named: NamedDevice) throws(MachineError) -> MachineDevice {
        let configured = try mapError(DeviceRow.of(named.options).make(named, objects), to: MachineError.init)
        let slot = try freeSlot(named.options)
        let device = MachineDevice(configured, place: try place(of: configured), slot: slot)
        configured.configureObjects()
        for warning in configured.warnings { log.warning("\(warning)") }
        devices.append(device)
        return device
    }

    /// Forgets a device; its addresses are free.
    mutating func removeDevice(_ name: String) {
        guard let index = devices.firstIndex(where: { $0.name == name }) else { return }
        let device = devices.remove(at: index)
        inventory.removeDevice(named: name)
        if let range = device.fixedRange { allocator.release(range) }
    }

    /// The slot that was asked for, or the lowest that no device has or asks for.
    private func freeSlot(_ options: any DeviceOptions) throws(MachineError) -> Int {
        if let slot = options.slotNumber {
            // Another device may have been put there without asking for it, which the inventory does not know.
            guard let place = options.slot, let holder = devices.first(where: { $0.slot == slot }) else { return slot }
            throw .dialect(
                .slotTaken(place, model: options.model, by: holder.configured.named.options.displayName))
        }
        let taken = wantedSlots + devices.map(\.slot)
        guard let slot = (1..<Bus.slotCount).first(where: { !taken.contains($0) }) else {
            throw .dialect(.noSlotFree(model: options.model))
        }
        return slot
    }

    private mutating func place(of device: any ConfiguredDevice) throws(MachineError) -> MemoryPlace? {
        guard let need = device.memory?.need else { return nil }
        do throws(DeviceMemoryError) {
            return switch need.place {
            case .bar: .bar(MovingRange())
            case .at(let address): .fixed(try allocator.allocate(at: address, byteCount: need.byteCount))
            case .anywhere:
                .fixed(try allocator.allocate(byteCount: need.byteCount, alignment: need.alignment))
            }
        } catch { throw .deviceMemory(device.optionText, error) }
    }
}

extension DeviceOptions {
    fileprivate var slotNumber: Int? { slot.map { Int($0.device) } }
}
