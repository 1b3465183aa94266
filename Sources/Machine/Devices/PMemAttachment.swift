import Board
import GuestMemory
import Host
import KVM
import Logging
import PCI
import Virtio
import VirtioPMem

/// A persistent memory device in one power cycle: its memory in the guest's address space, its function on the bus, its
/// interrupts and doorbells in the kernel.
final class PMemAttachment: Sendable {
    private let memory: PersistentMemory
    private let transport: PCITransport
    private let wiring: FunctionWiring
    private let interrupts: MessageInterrupts

    /// Plugs the device in. Memory at an address that the machine chose is in the guest's address space already.
    ///
    /// - Throws: `MachineError`; nothing is left behind.
    init(_ memory: PersistentMemory, to platform: Platform, _ parts: PowerCycle.Parts) throws(MachineError) {
        self.memory = memory
        let log = parts.log
        let device = try Self.makeDevice(memory, parts)
        let onError: @Sendable (KVMError) -> Void = { memory.report(.error, "\($0)", to: log) }
        do throws(SystemCallError) {
            interrupts = try MessageInterrupts(
                platform.machine, platform.router, count: device.traits.maximumQueueSizes.count + 1, onError: onError)
        } catch { throw .host(error) }
        transport = try Self.makeTransport(memory, device, platform, interrupts, log)
        try Self.insert(transport.function, memory, platform)
        if case .fixed(let range) = memory.place {
            platform.dispatch.memoryExits.observeStores(into: range) { memory.reportDroppedStore(at: $0, to: log) }
        }
        wiring = FunctionWiring(
            platform.machine, platform.dispatch, transport.function, doorbells: transport.doorbells,
            memory: Self.barMemory(memory, platform, log), onError: onError)
    }

    /// Takes the device away. Work in flight ends first.
    func detach(from platform: Platform) {
        wiring.detach()
        platform.bus.remove(at: memory.slot)
        quiesce()
        guard case .fixed(let range) = memory.place else { return }
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

// MARK: - The device and its function

extension PMemAttachment {
    private static func makeDevice(
        _ memory: PersistentMemory, _ parts: PowerCycle.Parts
    ) throws(MachineError) -> PMemDevice {
        let onEvent: @Sendable (PMemEvent) -> Void = { PMemLog.report($0, of: memory, to: parts) }
        do throws(SystemCallError) {
            return switch memory.place {
            case .fixed(let range):
                try PMemDevice(
                    id: memory.name, durability: memory.durability, range: range,
                    maximumQueueSize: memory.options.queueSize,
                    onEvent: onEvent)
            case .bar(let place):
                try PMemDevice(
                    id: memory.name, durability: memory.durability, location: { place.value },
                    maximumQueueSize: memory.options.queueSize, onEvent: onEvent)
            }
        } catch { throw .host(error) }
    }

    private static func makeTransport(
        _ memory: PersistentMemory, _ device: PMemDevice, _ platform: Platform, _ interrupts: MessageInterrupts,
        _ log: Logger
    ) throws(MachineError) -> PCITransport {
        var sharedMemory: PCITransport.SharedMemory?
        if case .bar = memory.place {
            do throws(AddressSpaceExhausted) {
                sharedMemory = try SharedMemoryBAR.region(of: memory.backend)
            } catch { throw .addressSpace(memory.name, error) }
        }
        do throws(ConfigurationError) {
            return try PCITransport(
                device: device, memory: platform.memory.guestMemory,
                ringFeatures: Feature.defaultRingFeatures
                    | (memory.options.pci.offersPackedRing ? Feature.packedRing : 0),
                sharedMemory: sharedMemory, sink: interrupts,
                activationFailed: { memory.report(.error, "the device could not start: \($0)", to: log) },
                interruptLine: { interrupts.line(ofVector: $0) })
        } catch { throw .configuration(memory.name, error) }
    }

    private static func insert(
        _ function: Function, _ memory: PersistentMemory, _ platform: Platform
    ) throws(MachineError) {
        do throws(BusError) {
            try platform.bus.insert(function, at: memory.slot)
        } catch { throw .bus(memory.name, error) }
        do throws(AddressSpaceExhausted) {
            try platform.bus.assignAddresses(to: function, in: platform.windows)
        } catch {
            platform.bus.remove(at: memory.slot)
            throw .addressSpace(memory.name, error)
        }
    }
}

// MARK: - The memory

extension PMemAttachment {
    /// Memory that is a BAR.
    private static func barMemory(_ memory: PersistentMemory, _ platform: Platform, _ log: Logger) -> BARMemory? {
        guard case .bar(let place) = memory.place else { return nil }
        return BARMemory(
            memory.backend.mapping, of: memory.name, memory: platform.memory, dispatch: platform.dispatch,
            windows: [BoardLayout.pciWindow32] + (platform.layout.pciWindow64.map { [$0] } ?? []), place: place,
            onDroppedStore: { memory.reportDroppedStore(at: $0, to: log) },
            onRefusal: {
                memory.report(
                    .warning, "its memory is not where the guest has put BAR \(SharedMemoryBAR.index): \($0)", to: log)
            })
    }
}
