import Backend
import GuestMemory
import Host
import Logging
import QEMUDialect
import VirtioPMem

/// A persistent memory device as the machine knows it, through reboots: which memory, at which addresses, in which slot.
struct PersistentMemory: Sendable {
    /// The device's id; where none was given, `memdev=` and its backend's.
    let name: String
    let options: VirtioPMemOptions
    /// Outlives the device: what happened to the backend's data happened to whoever uses it next, too.
    let durability: Durability
    let range: GuestRange
    /// On bus 0.
    let slot: Int
    /// Of messages that the guest causes, through reboots.
    let quota = MessageQuota()

    /// Tells of something that the guest did.
    func report(_ level: Logger.Level, _ text: @autoclosure () -> String, to log: Logger) {
        quota.log(level, text(), about: name, to: log)
    }

    var backend: any MemoryBackend { durability.backend }

    /// What the guest sees at `range`.
    var region: MemoryRegion {
        get throws(MachineError) {
            guard let region = MemoryRegion(range: range, mapping: backend.mapping, purpose: .persistentMemory(name)) else {
                throw .guestMemory(.unmapped(range.start))
            }
            return region
        }
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
