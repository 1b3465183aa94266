import GuestMemory
import Host
import KVM
import Synchronization

/// The guest's memory, in both places that know it: the map that devices use, and the kernel's memory slots.
final class PhysicalMemory: Sendable {
    /// What devices hold.
    let guestMemory = GuestMemory()
    private let machine: VirtualMachine
    private let slots = Mutex<[GuestRange: MemorySlot]>([:])

    init(_ machine: VirtualMachine) {
        self.machine = machine
    }

    /// Makes a region visible to devices and to the guest.
    ///
    /// - Throws: `guestMemory` (an overlap) or `kvm`; nothing is left behind.
    func attach(_ region: MemoryRegion) throws(MachineError) {
        do throws(GuestMemoryError) {
            try guestMemory.update { (map) throws(GuestMemoryError) in try map.insert(region) }
        } catch { throw .guestMemory(error) }
        do throws(KVMError) {
            try slots.withLock { (slots) throws(KVMError) in
                let used = Set(slots.values.map(\.number))
                let number = (0...UInt32(slots.count)).first { !used.contains($0) } ?? UInt32(slots.count)
                slots[region.range] = try MemorySlot(
                    machine, number: number, guestAddress: region.range.start.rawValue, mapping: region.mapping)
            }
        } catch {
            forget(region.range)
            throw .kvm(error)
        }
    }

    /// Takes a region away from the guest and from devices. Work that holds the old map keeps the memory mapped until it ends.
    func detach(_ range: GuestRange) {
        slots.withLock { _ = $0.removeValue(forKey: range) }
        forget(range)
    }

    private func forget(_ range: GuestRange) {
        // Cannot fail: removing overlaps nothing.
        try? guestMemory.update { (map) throws(GuestMemoryError) in _ = map.remove(range) }
    }
}
