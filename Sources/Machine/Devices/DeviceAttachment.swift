import Assembly
import Board
import GuestMemory
import Host
import KVM
import Logging
import PCI
import Virtio

/// A device in one power cycle: its function on the bus, its interrupts and doorbells in the kernel, and its memory,
/// if it has some, in the guest's address space.
final class DeviceAttachment: Sendable {
    private let device: MachineDevice
    private let transport: PCITransport
    private let wiring: FunctionWiring

    /// Plugs the device in. Memory at an address that the machine chose is in the guest's address space already.
    ///
    /// - Throws: `MachineError`; nothing is left behind.
    init(_ device: MachineDevice, to platform: Platform, _ parts: PowerCycle.Parts) throws(MachineError) {
        self.device = device
        let log = parts.log
        let onError: @Sendable (KVMError) -> Void = { device.report(.error, "\($0)", to: log) }
        let assembly: FunctionAssembly
        let interrupts: MessageInterrupts
        do throws(SystemCallError) {
            assembly = try FunctionAssembly(of: device.configured, memoryAt: device.place, in: .machine) {
                device.report($0, to: parts)
            }
            interrupts = try MessageInterrupts(
                platform.machine, platform.router, count: assembly.vectorCount, onError: onError)
        } catch { throw .host(error) }
        do throws(AssemblyError) {
            transport = try assembly.makeTransport(
                memory: platform.memory.guestMemory, sink: interrupts,
                interruptLine: { interrupts.line(ofVector: $0) })
        } catch { throw MachineError(error) }
        try Self.insert(transport.function, device, platform)
        if let range = device.fixedRange {
            platform.dispatch.memoryExits.observeStores(into: range) { device.reportDroppedStore(at: $0, to: log) }
        }
        wiring = FunctionWiring(
            platform.machine, platform.dispatch, transport.function, doorbells: transport.doorbells,
            memory: Self.barMemory(device, platform, log), onError: onError)
    }

    /// Takes the device away. Work in flight ends first.
    func detach(from platform: Platform) {
        wiring.detach()
        platform.bus.remove(at: device.slot)
        quiesce()
        guard let range = device.fixedRange else { return }
        platform.memory.detach(range)
        platform.dispatch.memoryExits.observeStores(into: range, nil)
    }

    /// Stops the device; returns when its work in flight has ended.
    func quiesce() {
        let isDone = ConditionLock(false)
        transport.reset { isDone.withLock { $0 = true } }
        isDone.wait(while: { !$0 }, then: { _ in })
    }
}

extension DeviceAttachment {
    private static func insert(
        _ function: Function, _ device: MachineDevice, _ platform: Platform
    ) throws(MachineError) {
        do throws(BusError) {
            try platform.bus.insert(function, at: device.slot)
        } catch { throw .bus(device.configured.optionText, error) }
        do throws(AddressSpaceExhausted) {
            try platform.bus.assignAddresses(to: function, in: platform.windows)
        } catch {
            platform.bus.remove(at: device.slot)
            throw .addressSpace(device.configured.optionText, error)
        }
    }

    /// Memory that is a BAR.
    private static func barMemory(_ device: MachineDevice, _ platform: Platform, _ log: Logger) -> BARMemory? {
        guard case .bar(let place) = device.place, let memory = device.memory else { return nil }
        return BARMemory(
            memory.backend.mapping, of: device.name, memory: platform.memory, dispatch: platform.dispatch,
            windows: [BoardLayout.pciWindow32] + (platform.layout.pciWindow64.map { [$0] } ?? []), place: place,
            onDroppedStore: { device.reportDroppedStore(at: $0, to: log) },
            onRefusal: {
                device.report(
                    .warning, "its memory is not where the guest has put BAR \(StorageBAR.index): \($0)", to: log)
            })
    }
}
