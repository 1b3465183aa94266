import Host
import KVM
import PCI
import Synchronization
import Virtio

/// Follows a function's BARs wherever the guest puts them: they answer there, and their doorbells are known to the
/// kernel there, so that ringing one costs no exit to this process. A BAR without registers is memory.
final class FunctionWiring: Sendable {
    private struct State {
        /// Where each BAR answers now.
        var places: [Int: UInt64] = [:]
        /// A vCPU may still be about to tell of a change when the function has gone.
        var isDetached = false
    }

    private let machine: VirtualMachine
    private let dispatch: AddressDispatch
    private let function: Function
    private let doorbells: [PCITransport.Doorbell]
    private let memory: BARMemory?
    private let onError: @Sendable (KVMError) -> Void
    private let state = Mutex(State())

    /// - Parameters:
    ///   - memory: what the BAR without registers shows, if there is one.
    ///   - onError: what KVM refused; the doorbell then works through an exit.
    init(
        _ machine: VirtualMachine, _ dispatch: AddressDispatch, _ function: Function,
        doorbells: [PCITransport.Doorbell], memory: BARMemory? = nil, onError: @escaping @Sendable (KVMError) -> Void
    ) {
        self.machine = machine
        self.dispatch = dispatch
        self.function = function
        self.doorbells = doorbells
        self.memory = memory
        self.onError = onError
        function.observeMappings { [weak self] in self?.follow($0) }
        for mapping in function.mappings { follow(mapping) }
    }

    /// Takes the function out of the guest's address space.
    func detach() {
        function.observeMappings(nil)
        state.withLock { $0.isDetached = true }
        for bar in function.bars { move(bar, to: nil) }
    }

    private func follow(_ mapping: BARMapping) {
        guard let bar = function.bars.first(where: { $0.index == mapping.index }) else { return }
        move(bar, to: mapping.address)
    }

    private func move(_ bar: BaseAddressRegister, to address: UInt64?) {
        state.withLock { state in
            guard !state.isDetached || address == nil else { return }
            guard let contents = bar.contents else {
                memory?.move(to: address, byteCount: bar.byteCount)
                return
            }
            move(bar, contents, to: address, &state.places)
        }
    }

    private func move(
        _ bar: BaseAddressRegister, _ contents: any RegisterBlock, to address: UInt64?, _ places: inout [Int: UInt64]
    ) {
        guard places[bar.index] != address else { return }
        if let old = places.removeValue(forKey: bar.index) {
            dispatch.updateMemory { $0.remove(contents, at: old) }
            ring(bar, at: old, machine.unregisterIOEventFD)
        }
        // Where something else answers already the BAR stays silent, as the loser of a conflict on a real bus might.
        if let address, dispatch.updateMemory({ $0.insert(contents, at: address, byteCount: bar.byteCount) }) {
            places[bar.index] = address
            ring(bar, at: address, machine.registerIOEventFD)
        }
    }

    private func ring(
        _ bar: BaseAddressRegister, at base: UInt64,
        _ change: (EventFD, VirtualMachine.DoorbellAddress) throws(KVMError) -> Void
    ) {
        for doorbell in doorbells where doorbell.bar == bar.index {
            do throws(KVMError) {
                try change(doorbell.eventFD, .memory(base &+ doorbell.offset))
            } catch { onError(error) }
        }
    }
}
