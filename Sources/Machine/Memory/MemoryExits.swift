import GuestMemory
import KVM
import Synchronization

/// Accesses to guest memory that KVM hands over as if they were to a device's registers: stores into memory that can
/// only be read, and what KVM itself carries out for the guest and finds no page for.
final class MemoryExits: Sendable {
    private let memory: GuestAddressSpace
    private let events: ControlEvents
    private let emulationFailureCount = Atomic<UInt64>(0)
    /// Told of stores into read-only memory, by the region's start.
    private let observers = Mutex<[GuestAddress: @Sendable (GuestAddress) -> Void]>([:])

    init(_ memory: GuestAddressSpace, _ events: ControlEvents) {
        self.memory = memory
        self.events = events
    }

    /// Whether there is memory that the guest can only read.
    var hasReadOnlyMemory: Bool { memory.map.regions.contains { $0.mapping.isReadOnly } }

    /// Tells `observer` of each store that is dropped because its region is read-only; nil ends that.
    func observeStores(into range: GuestRange, _ observer: (@Sendable (GuestAddress) -> Void)?) {
        observers.withLock { $0[range.start] = observer }
    }

    /// Counts an instruction that KVM could not carry out for the guest.
    func recordEmulationFailure(of processor: VirtualCPU) {
        let count = emulationFailureCount.wrappingAdd(1, ordering: .relaxed).newValue
        guard count.isPowerOfTen else { return }
        events.post(
            .emulationFailed(index: processor.index, instructionPointer: processor.instructionPointer, count: count))
    }

    /// - Returns: the bytes; nil when memory lies there and its page is missing. Where no memory is, all bits read 1,
    ///   as on an undriven bus.
    func load(at address: GuestAddress, byteCount: Int) -> UInt64? {
        let map = memory.map
        guard map.region(at: address) != nil else { return .max }
        do throws(GuestMemoryError) {
            return try map.bytes(at: address, count: byteCount).reversed().reduce(0) { $0 << 8 | UInt64($1) }
        } catch {
            if case .fault = error { return nil }
            return .max
        }
    }

    /// - Returns: false when memory lies there and its page is missing. A store into read-only memory is dropped, as
    ///   on a real bus with ROM, and so is one to where nothing is.
    func store(_ value: UInt64, at address: GuestAddress, byteCount: Int) -> Bool {
        let map = memory.map
        guard let region = map.region(at: address) else { return true }
        let bytes = (0..<byteCount).map { UInt8(truncatingIfNeeded: value >> (8 * UInt64($0))) }
        do throws(GuestMemoryError) {
            try map.write(bytes, at: address)
        } catch {
            if case .fault = error { return false }
            if case .readOnly = error { observers.withLock { $0[region.range.start] }?(address) }
        }
        return true
    }
}
