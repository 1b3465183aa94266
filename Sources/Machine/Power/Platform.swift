import Board
import GuestMemory
import Host
import KVM
import PCI

/// What a power cycle's devices plug into.
final class Platform: Sendable {
    let machine: VirtualMachine
    let layout: BoardLayout
    let memory: PhysicalMemory
    let dispatch: AddressDispatch
    let bus = Bus()
    let router: MessageRouter
    let events: EventRegisters
    let hotPlug: HotPlugSlots
    let windows: BARWindows
    /// Interrupts of the board's own devices, by their line.
    private let lines: [UInt32: EventFD]

    /// Makes a machine with RAM and the devices' memory, the interrupt controllers, and a bus that is empty but for
    /// its bridge.
    init(
        _ machine: VirtualMachine, layout: BoardLayout, deviceMemory: [MachineDevice], controlEvents: ControlEvents
    ) throws(MachineError) {
        self.machine = machine
        self.layout = layout
        memory = PhysicalMemory(machine)
        dispatch = AddressDispatch(memory.guestMemory, controlEvents)
        router = MessageRouter(machine)
        // Memory first, since that is the cheaper order (`createInterruptControllers`).
        try Self.addRAM(layout, memory)
        for device in deviceMemory {
            if let region = try device.fixedRegion { try memory.attach(region, device.memory?.backend.powerCutTest) }
        }
        try mapError(machine.createInterruptControllers(), to: MachineError.kvm)
        lines = try Self.makeLines(machine)
        let event = lines[BoardLayout.Interrupt.events]
        let events = EventRegisters { event?.signal() }
        self.events = events
        hotPlug = HotPlugSlots(
            notifyGuest: { events.post(.pciHotPlug) }, guestActed: { controlEvents.post(.hotPlug($0)) })
        windows = try Self.windows(of: layout)
        try addBridge()
        addBoardRegisters()
    }

    /// The serial port's interrupt.
    var serialInterrupt: EventFD? { lines[BoardLayout.Interrupt.serialPort] }

    private static func makeLines(_ machine: VirtualMachine) throws(MachineError) -> [UInt32: EventFD] {
        var lines: [UInt32: EventFD] = [:]
        for line in [BoardLayout.Interrupt.serialPort, BoardLayout.Interrupt.events] {
            do throws(SystemCallError) { lines[line] = try EventFD() } catch { throw .host(error) }
            guard let event = lines[line] else { continue }
            try mapError(machine.registerIRQFD(event, gsi: line), to: MachineError.kvm)
        }
        return lines
    }

    /// Where BARs get their addresses: the windows that the host bridge has in the ACPI tables.
    static func windows(of layout: BoardLayout) throws(MachineError) -> BARWindows {
        func window(_ range: GuestRange) -> AddressWindow? {
            AddressWindow(start: range.start.rawValue, last: range.last.rawValue)
        }
        guard let low = window(BoardLayout.pciWindow32) else {
            throw .guestMemory(.unmapped(BoardLayout.pciWindow32.start))
        }
        return BARWindows(low: low, high: layout.pciWindow64.flatMap(window))
    }

    private static func addRAM(_ layout: BoardLayout, _ memory: PhysicalMemory) throws(MachineError) {
        for range in layout.ramRanges {
            let mapping: HostMapping
            do throws(SystemCallError) {
                mapping = try HostMapping(
                    .anonymous(reserve: false), byteCount: Int(range.byteCount), alignment: 2 << 20)
            } catch { throw .ram(byteCount: layout.ramByteCount, "\(error)") }
            guard let region = MemoryRegion(range: range, mapping: mapping, purpose: .ram) else {
                throw .guestMemory(.unmapped(range.start))
            }
            do throws(MachineError) { try memory.attach(region) } catch {
                throw .ram(byteCount: layout.ramByteCount, "\(error)")
            }
        }
    }

    private func addBridge() throws(MachineError) {
        let bridge: Function
        do throws(ConfigurationError) { bridge = try .hostBridge() } catch {
            throw .configuration("host bridge", error)
        }
        hotPlug.setPresent(slot: 0, isRemovable: false)
        do throws(BusError) { try bus.insert(bridge, at: 0) } catch { throw .bus("host bridge", error) }
    }

    private func addBoardRegisters() {
        let (bus, events, hotPlug) = (bus, events, hotPlug)
        dispatch.updateMemory { table in
            _ = table.insert(
                EnhancedConfigurationAccess(bus: bus), at: BoardLayout.configurationSpace.start.rawValue,
                byteCount: BoardLayout.configurationSpace.byteCount)
            _ = table.insert(
                events, at: BoardLayout.eventRegisters.start.rawValue,
                byteCount: BoardLayout.eventRegisters.byteCount)
            _ = table.insert(
                hotPlug, at: BoardLayout.hotPlugRegisters.start.rawValue, byteCount: UInt64(HotPlugSlots.byteCount))
        }
    }
}
