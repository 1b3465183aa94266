import Backend
import GuestMemory
import Host
import KVM
import Synchronization

/// The guest's memory, in both places that know it: the map that devices use, and the kernel's memory slots.
final class PhysicalMemory: Sendable {
    /// What devices hold.
    let guestMemory = GuestAddressSpace()
    private struct Entry {
        let slot: MemorySlot
        /// Has to be told before the slot goes.
        let powerCutTest: PowerCutTest?
    }

    private let machine: VirtualMachine
    private let slots = Mutex<[GuestRange: Entry]>([:])

    init(_ machine: VirtualMachine) {
        self.machine = machine
    }

    /// Makes a region visible to devices and to the guest.
    ///
    /// - Parameter powerCutTest: follows the log of the guest's stores until `detach` or `endLogs`.
    /// - Throws: `guestMemory` (an overlap) or `kvm`; nothing is left behind.
    func attach(_ region: MemoryRegion, _ powerCutTest: PowerCutTest? = nil) throws(MachineError) {
        do throws(GuestMemoryError) {
            try guestMemory.update { (map) throws(GuestMemoryError) in try map.insert(region) }
        } catch { throw .guestMemory(error) }
        do throws(KVMError) {
            try slots.withLock { (slots) throws(KVMError) in
                let used = Set(slots.values.map(\.slot.number))
                let number = (0...UInt32(slots.count)).first { !used.contains($0) } ?? UInt32(slots.count)
                let slot = try MemorySlot(
                    machine, number: number, guestAddress: region.range.start.rawValue, mapping: region.mapping,
                    logsStores: powerCutTest != nil)
                slots[region.range] = Entry(slot: slot, powerCutTest: powerCutTest)
                powerCutTest?.follow(
                    SlotDirtyPages(slot: slot, pageCount: region.mapping.byteCount / PageSet.pageByteCount))
            }
        } catch {
            forget(region.range)
            throw .kvm(error)
        }
    }

    /// Takes a region away from the guest and from devices. Work that holds the old map keeps the memory mapped until
    /// it ends. A region with a log of stores goes while no vCPU runs, or a store could come after the log was read.
    func detach(_ range: GuestRange) {
        slots.withLock { $0.removeValue(forKey: range)?.powerCutTest?.follow(nil) }
        forget(range)
    }

    /// Reads the logs of stores for the last time: no vCPU runs any more, and the slots go soon.
    func endLogs() {
        slots.withLock { slots in for entry in slots.values { entry.powerCutTest?.follow(nil) } }
    }

    private func forget(_ range: GuestRange) {
        // Cannot fail: removing overlaps nothing.
        try? guestMemory.update { (map) throws(GuestMemoryError) in _ = map.remove(range) }
    }
}
