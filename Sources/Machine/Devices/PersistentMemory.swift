import Assembly
import Backend
import GuestMemory
import Host
import Logging
import Options
import VirtioPMem

/// Where the guest sees a device's memory.
enum MemoryPlace: Sendable {
    /// Where the machine, or `memaddr=`, put it.
    case fixed(GuestRange)
    /// In a BAR (`x-shmem=on`), wherever the guest has put that.
    case bar(MovingRange)
}

/// A persistent memory device as the machine knows it, through reboots: which memory, at which addresses, in which slot.
struct PersistentMemory: Sendable {
    /// The device's id; where none was given, `memdev=` and its backend's.
    let name: String
    let options: VirtioPMemOptions
    /// Outlives the device: what happened to the backend's data happened to whoever uses it next, too.
    let durability: Durability
    let place: MemoryPlace
    /// On bus 0.
    let slot: Int
    /// Of messages that the guest causes, through reboots.
    let quota = MessageQuota()

    /// Where its memory is now; nil while it is a BAR that is off.
    var range: GuestRange? {
        switch place {
        case .fixed(let range): range
        case .bar(let range): range.value
        }
    }

    /// Tells of something that the guest did.
    func report(_ level: Logger.Level, _ text: @autoclosure () -> String, to log: Logger) {
        quota.log(level, text(), about: name, to: log)
    }

    var backend: any MemoryBackend { durability.backend }

    /// What the guest sees at an address that the machine chose; nil for memory that is a BAR.
    var fixedRegion: MemoryRegion? {
        get throws(MachineError) {
            guard case .fixed(let range) = place else { return nil }
            guard let region = MemoryRegion(range: range, mapping: backend.mapping, purpose: .persistentMemory(name))
            else {
                throw .guestMemory(.unmapped(range.start))
            }
            return region
        }
    }

    /// A store of the guest into its memory was dropped, since it is read-only.
    func reportDroppedStore(at address: GuestAddress, to log: Logger) {
        let count = durability.figures.recordDroppedStore()
        guard count.isPowerOfTen else { return }
        report(.warning, "a store into read-only memory at \(address) was dropped; there were \(count) so far", to: log)
    }

    /// Makes durable what the guest stored.
    ///
    /// - Returns: the failure; nil when it is durable, or there is nothing that could be.
    func synchronize() -> SystemCallError? {
        do throws(SystemCallError) {
            try durability.synchronize()
            return nil
        } catch { return error }
    }
}
