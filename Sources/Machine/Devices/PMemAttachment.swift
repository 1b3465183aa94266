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
    let device: PMemDevice
    private let slot: Int
    private let transport: PCITransport
    private let wiring: FunctionWiring
    private let interrupts: MessageInterrupts

    /// Plugs the device in. Its memory is in the guest's address space already.
    ///
    /// - Throws: `MachineError`; nothing is left behind.
    init(_ memory: PersistentMemory, to platform: Platform, _ parts: PowerCycle.Parts) throws(MachineError) {
        let log = parts.log
        device = try Self.makeDevice(memory, parts)
        let onError: @Sendable (KVMError) -> Void = { memory.report(.error, "\($0)", to: log) }
        do throws(SystemCallError) {
            interrupts = try MessageInterrupts(
                platform.machine, platform.router, count: device.maximumQueueSizes.count + 1, onError: onError)
        } catch { throw .host(error) }
        transport = try Self.makeTransport(memory, device, platform, interrupts, log)
        slot = memory.slot
        try Self.insert(transport.function, memory, platform)
        platform.dispatch.memoryExits.observeStores(into: memory.range) { address in
            let count = memory.durability.recordDroppedStore()
            guard count.isPowerOfTen else { return }
            memory.report(.warning, "a store into read-only memory at \(address) was dropped; there were \(count) so far", to: log)
        }
        wiring = FunctionWiring(
            platform.machine, platform.dispatch, transport.function, doorbells: transport.doorbells, onError: onError)
    }

    /// Takes the device away. Work in flight ends first.
    func detach(from platform: Platform) {
        wiring.detach()
        platform.bus.remove(at: slot)
        quiesce()
        platform.memory.detach(device.range)
        platform.dispatch.memoryExits.observeStores(into: device.range, nil)
    }

    /// Stops the device; returns when its work in flight has ended.
    func quiesce() {
        let isDone = ConditionLock(false)
        transport.reset { isDone.withLock { $0 = true } }
        isDone.wait(while: { !$0 }, then: { _ in })
    }

    private static func makeDevice(
        _ memory: PersistentMemory, _ parts: PowerCycle.Parts
    ) throws(MachineError) -> PMemDevice {
        do throws(SystemCallError) {
            return try PMemDevice(
                id: memory.name, durability: memory.durability, range: memory.range,
                maximumQueueSize: memory.options.queueSize,
                onEvent: { PMemLog.report($0, of: memory, to: parts) })
        } catch { throw .host(error) }
    }

    private static func makeTransport(
        _ memory: PersistentMemory, _ device: PMemDevice, _ platform: Platform, _ interrupts: MessageInterrupts,
        _ log: Logger
    ) throws(MachineError) -> PCITransport {
        do throws(ConfigurationError) {
            return try PCITransport(
                device: device, memory: platform.memory.guestMemory,
                ringFeatures: Feature.defaultRingFeatures | (memory.options.offersPackedRing ? Feature.packedRing : 0),
                sink: interrupts,
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
