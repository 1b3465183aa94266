import Assembly
import Backend
import Board
import GuestMemory
import Host
import Logging
import Options
import PCI
import QEMUDialect
import VirtioPMem

/// The machine's memory backends and devices, through reboots: what exists by name, and which addresses are taken.
struct DeviceRegistry {
    /// Names and rules; the text side of the same objects.
    private(set) var inventory = DeviceInventory()
    /// One for each memory backend.
    private(set) var durabilities: [Durability] = []
    private(set) var devices: [PersistentMemory] = []
    var backends: [any MemoryBackend] { durabilities.map(\.backend) }
    /// Notices that somebody makes a backend's file shorter; nil where the host has no more watches to give.
    let fileWatch = try? FileWatch()
    private var allocator: DeviceMemoryAllocator
    /// Slots that some device of the command line asks for by number.
    private let wantedSlots: Set<Int>
    private let log: Logger

    /// Makes what the command line asks for.
    ///
    /// - Throws: `backend`, `deviceMemory` or `addressSpace`.
    init(_ configured: DeviceInventory, layout: BoardLayout, log: Logger) throws(MachineError) {
        allocator = DeviceMemoryAllocator(layout: layout)
        self.log = log
        let asked = try configured.devices.map { (device) throws(MachineError) in try Self.pmem(device.options) }
        wantedSlots = Set(asked.compactMap(\.slotNumber))
        // Devices that were given an address come first, or one without might be put where they want to be.
        let (fixed, free) = (asked.filter(\.hasAddress), asked.filter { !$0.hasAddress })
        try Self.checkAddresses(of: fixed, configured.objects, allocator)
        try SharedMemoryBAR.checkRoom(for: asked, configured.objects, in: Platform.windows(of: layout))
        for options in configured.objects { try addObject(options) }
        for options in fixed + free { _ = try addDevice(options) }
        devices = asked.compactMap { options in devices.first { $0.options == options } }
    }

    /// Makes an object.
    ///
    /// - Throws: `dialect` for a name that is taken, or a type that is not to be had, `backend` for what the host refused; nothing has
    ///   changed then.
    mutating func addObject(_ options: any ObjectOptions) throws(MachineError) {
        var next = inventory
        do throws(DialectError) { try next.add(options) } catch { throw .dialect(error) }
        let made: (any MemoryBackend)?
        do throws(MemoryBackendError) { made = try makeMemoryBackend(options) } catch {
            throw .backend(options.id, error)
        }
        guard let backend = made, let memory = options.memoryBackend else {
            throw .dialect(.objectTypeNotImplemented(options.type))
        }
        durabilities.append(Durability(of: backend, policy: FlushPolicy(memory)))
        if let fileWatch { try? backend.watch(by: fileWatch) }
        inventory = next
    }

    /// Gives up an object that no device uses.
    ///
    /// - Throws: `dialect` if there is none of this name, or it is in use.
    mutating func removeObject(_ id: String) throws(MachineError) {
        do throws(DialectError) { try inventory.removeObject(id) } catch { throw .dialect(error) }
        if let backend = backends.first(where: { $0.id == id }) {
            if let lost = PMemLog.unflushed(backend) { log.notice("\(lost)") }
            backend.discardIfAsked()
        }
        durabilities.removeAll { $0.backend.id == id }
    }

    /// Of a device or a memory backend, by its id.
    ///
    /// - Throws: `dialect` if there is none of this name.
    func durability(of id: String) throws(MachineError) -> Durability {
        if let device = devices.first(where: { $0.name == id }) { return device.durability }
        if let durability = durabilities.first(where: { $0.backend.id == id }) { return durability }
        throw .dialect(.deviceNotFound(id))
    }

    /// Gives a device its addresses.
    ///
    /// - Throws: `dialect` or `deviceMemory`; nothing has changed then.
    mutating func addDevice(_ options: any DeviceOptions) throws(MachineError) -> PersistentMemory {
        let options = try Self.pmem(options)
        var next = inventory
        do throws(DialectError) { try next.add(options) } catch { throw .dialect(error) }
        guard let durability = durabilities.first(where: { $0.backend.id == options.memoryBackend }) else {
            throw .dialect(.objectNotFound(options.memoryBackend))
        }
        let backend = durability.backend
        let slot = try freeSlot(options)
        for warning in backend.warnings { log.warning("\(warning)") }
        let name = options.name
        let device = PersistentMemory(
            name: name, options: options, durability: durability, place: try place(options, backend, name),
            slot: slot)
        durability.limiter.limit = FlushLimit(options.flushLimit)
        devices.append(device)
        inventory = next
        return device
    }

    /// Forgets a device; its addresses are free.
    mutating func removeDevice(_ name: String) {
        guard let device = devices.first(where: { $0.name == name }) else { return }
        devices.removeAll { $0.name == name }
        inventory.removeDevice(named: name)
        if case .fixed(let range) = device.place { allocator.release(range) }
    }

    /// The slot that was asked for, or the lowest that nobody has or asks for.
    private func freeSlot(_ options: VirtioPMemOptions) throws(MachineError) -> Int {
        if let slot = options.slotNumber {
            // Another device may have been put there without asking for it, which the inventory does not know.
            guard let place = options.slot, let holder = devices.first(where: { $0.slot == slot }) else { return slot }
            throw .dialect(.slotTaken(place, model: options.model, by: holder.options.displayName))
        }
        let taken = wantedSlots.union(devices.map(\.slot))
        guard let slot = (1..<Bus.slotCount).first(where: { !taken.contains($0) }) else {
            throw .dialect(.noSlotFree(model: options.model))
        }
        return slot
    }

    /// - Throws: `dialect` for a model that the machine cannot make.
    private static func pmem(_ options: any DeviceOptions) throws(MachineError) -> VirtioPMemOptions {
        guard let pmem = options as? VirtioPMemOptions else { throw .dialect(.modelNotImplemented(options.model)) }
        return pmem
    }

    /// Refuses an address before any backend is made, which might create a file.
    private static func checkAddresses(
        of devices: [VirtioPMemOptions], _ objects: [any ObjectOptions],
        _ allocator: DeviceMemoryAllocator
    ) throws(MachineError) {
        var trial = allocator
        for device in devices {
            guard let backend = objects.first(where: { $0.id == device.memoryBackend })?.memoryBackend else { continue }
            do throws(DeviceMemoryError) {
                try trial.allocate(at: GuestAddress(device.memoryAddress), byteCount: backend.byteCount)
            } catch { throw .deviceMemory(device.name, error) }
        }
    }

    private mutating func place(
        _ options: VirtioPMemOptions, _ backend: any MemoryBackend, _ name: String
    ) throws(MachineError) -> MemoryPlace {
        if options.offersSharedMemoryRegion { return .bar(MovingRange()) }
        let byteCount = UInt64(backend.mapping.byteCount)
        do throws(DeviceMemoryError) {
            guard options.hasAddress else {
                return .fixed(try allocator.allocate(byteCount: byteCount, alignment: backend.alignment))
            }
            return .fixed(try allocator.allocate(at: GuestAddress(options.memoryAddress), byteCount: byteCount))
        } catch { throw .deviceMemory(name, error) }
    }
}

extension VirtioPMemOptions {
    fileprivate var slotNumber: Int? { slot.map { Int($0.device) } }

    /// `memaddr=0` leaves the choice to the machine.
    fileprivate var hasAddress: Bool { memoryAddress != 0 }
}
