import GuestMemory
import KVM
import PCI
import Synchronization

/// Answers the vCPUs' port and memory accesses from two tables, which the control plane swaps while vCPUs run.
final class AddressDispatch: ExitHandler, Sendable {
    private let ports = Mutex(AddressTable())
    private let memory = Mutex(AddressTable())
    /// What answers where no register block does.
    let memoryExits: MemoryExits

    init(_ guestMemory: GuestAddressSpace, _ events: ControlEvents) {
        memoryExits = MemoryExits(guestMemory, events)
    }

    /// Whether a vCPU can go on after its run came back.
    ///
    /// A store into read-only memory is KVM's to emulate, and KVM does not know every instruction, such as AVX's. The
    /// guest gets an invalid-opcode exception then: its kernel decides what becomes of the program, as for any
    /// instruction that a processor does not have.
    func outlives(_ end: RunEnd, of processor: VirtualCPU) -> Bool {
        guard end == .internalError(RunEnd.emulationFailed), memoryExits.hasReadOnlyMemory,
            processor.injectInvalidOpcode()
        else {
            return false
        }
        memoryExits.recordEmulationFailure(of: processor)
        return true
    }

    /// Changes the table of ports.
    func updatePorts<Result: Sendable>(_ change: (inout AddressTable) -> Result) -> Result {
        ports.withLock { change(&$0) }
    }

    /// Changes the table of guest-physical addresses.
    func updateMemory<Result: Sendable>(_ change: (inout AddressTable) -> Result) -> Result {
        memory.withLock { change(&$0) }
    }

    func loadPort(_ port: UInt16, byteCount: Int) -> UInt64 {
        load(ports.withLock { $0.block(at: UInt64(port), byteCount: byteCount) }, byteCount)
    }

    func storePort(_ value: UInt64, _ port: UInt16, byteCount: Int) -> Bool {
        guard let (block, offset) = ports.withLock({ $0.block(at: UInt64(port), byteCount: byteCount) }) else {
            return true
        }
        return block.attemptStore(value, at: offset, byteCount: byteCount)
    }

    func loadMemory(at address: UInt64, byteCount: Int) -> UInt64? {
        guard let (block, offset) = memory.withLock({ $0.block(at: address, byteCount: byteCount) }) else {
            return memoryExits.load(at: GuestAddress(address), byteCount: byteCount)
        }
        return block.load(at: offset, byteCount: byteCount)
    }

    func storeMemory(_ value: UInt64, at address: UInt64, byteCount: Int) -> Bool {
        guard let (block, offset) = memory.withLock({ $0.block(at: address, byteCount: byteCount) }) else {
            return memoryExits.store(value, at: GuestAddress(address), byteCount: byteCount)
        }
        block.store(value, at: offset, byteCount: byteCount)
        return true
    }

    /// Where nothing answers, all bits read 1, as on an idle bus.
    private func load(_ target: (block: any RegisterBlock, offset: UInt64)?, _ byteCount: Int) -> UInt64 {
        guard let target else { return .max }
        return target.block.load(at: target.offset, byteCount: byteCount)
    }
}
