import Assembly
import GuestMemory
import Host
import Logging

/// A device as the machine knows it, through reboots: what it is, and which addresses and slot it has.
struct MachineDevice: Sendable {
    let configured: any ConfiguredDevice
    /// Nil for a device without memory.
    let place: MemoryPlace?
    /// On bus 0.
    let slot: Int
    /// Of messages that the guest causes, through reboots.
    private let quota = MessageQuota()

    init(_ configured: any ConfiguredDevice, place: MemoryPlace?, slot: Int) {
        self.configured = configured
        self.place = place
        self.slot = slot
    }

    /// No other device of the machine has it.
    var name: String { configured.name }
    /// The id that was given.
    var id: String? { configured.id }
    var memory: DeviceMemory? { configured.memory }

    /// Where its memory is now; nil while it is a BAR that is off, and for a device without.
    var range: GuestRange? { place?.range }

    /// Where its memory is for as long as the device is there; nil for a BAR, and for a device without memory.
    var fixedRange: GuestRange? {
        if case .fixed(let range) = place { range } else { nil }
    }

    /// What the guest sees there.
    var fixedRegion: MemoryRegion? {
        get throws(MachineError) {
            guard let range = fixedRange, let mapping = memory?.backend.mapping else { return nil }
            guard let region = MemoryRegion(range: range, mapping: mapping, purpose: .persistentMemory(name)) else {
                throw .guestMemory(.unmapped(range.start))
            }
            return region
        }
    }

    /// Tells the log, and monitors where they have a word for it.
    func report(_ report: DeviceReport, to parts: PowerCycle.Parts) {
        if let event = report.event { parts.observers.tell(event) }
        report.log(about: name, to: parts.log, quota)
    }

    /// Tells of something that the guest did.
    func report(_ level: Logger.Level, _ text: @autoclosure () -> String, to log: Logger) {
        quota.log(level, text(), about: name, to: log)
    }

    /// A store of the guest into its memory was dropped, since that is read-only.
    func reportDroppedStore(at address: GuestAddress, to log: Logger) {
        guard let count = memory?.recordDroppedStore(), count.isPowerOfTen else { return }
        report(.warning, "a store into read-only memory at \(address) was dropped; there were \(count) so far", to: log)
    }
}
