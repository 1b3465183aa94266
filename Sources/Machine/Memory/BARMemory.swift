import GuestMemory
import Host
import Synchronization

/// Why memory is not where the guest has put its BAR.
enum BARMemoryRefusal: Error, Equatable {
    /// Outside of what the host bridge hands on to PCI.
    case outsideWindows(GuestRange?)
    /// Another function's BAR is there.
    case taken(GuestRange)
    /// The map or KVM refuses.
    case refused(GuestRange, String)
}

extension BARMemoryRefusal: CustomStringConvertible {
    var description: String {
        switch self {
        case .outsideWindows(let range):
            "\(range.map { "\($0)" } ?? "the end of the address space") lies outside of the PCI windows"
        case .taken(let range): "at \(range) is another BAR"
        case .refused(let range, let reason): "\(range): \(reason)"
        }
    }
}

/// Memory that is a BAR: it follows the BAR wherever the guest puts it, in the kernel's slots and in the map that
/// devices use.
///
/// A BAR answers in the PCI windows only, as behind a real host bridge. So it can never come to lie over RAM, over
/// memory that the machine placed, or over the board's registers; and where another BAR is already, it is not mapped.
final class BARMemory: Sendable {
    private struct State {
        /// All of the BAR.
        var reserved: GuestRange?
        var hasComplained = false
    }

    private let mapping: HostMapping
    private let name: String
    private let memory: PhysicalMemory
    private let dispatch: AddressDispatch
    private let windows: [GuestRange]
    private let place: MovingRange
    private let onDroppedStore: @Sendable (GuestAddress) -> Void
    private let onRefusal: @Sendable (BARMemoryRefusal) -> Void
    private let state = Mutex(State())

    /// - Parameters:
    ///   - name: the device's.
    ///   - windows: what the host bridge hands on to PCI.
    ///   - place: is told where the memory is.
    ///   - onDroppedStore: of a store into memory that is read-only.
    ///   - onRefusal: called once, for the first time that the memory could not be where the BAR is.
    init(
        _ mapping: HostMapping, of name: String, memory: PhysicalMemory, dispatch: AddressDispatch,
        windows: [GuestRange],
        place: MovingRange, onDroppedStore: @escaping @Sendable (GuestAddress) -> Void,
        onRefusal: @escaping @Sendable (BARMemoryRefusal) -> Void
    ) {
        self.mapping = mapping
        self.name = name
        self.memory = memory
        self.dispatch = dispatch
        self.windows = windows
        self.place = place
        self.onDroppedStore = onDroppedStore
        self.onRefusal = onRefusal
    }

    /// The guest has moved the BAR.
    ///
    /// - Parameters:
    ///   - address: guest-physical; nil while the BAR is off.
    ///   - byteCount: of the BAR; what lies behind the memory's end answers nothing.
    func move(to address: UInt64?, byteCount: UInt64) {
        let refusal = state.withLock { state -> BARMemoryRefusal? in
            guard state.reserved?.start.rawValue != address else { return nil }
            leave(&state)
            guard let address else { return nil }
            do throws(BARMemoryRefusal) {
                state.reserved = try take(address, byteCount)
                return nil
            } catch {
                defer { state.hasComplained = true }
                return state.hasComplained ? nil : error
            }
        }
        if let refusal { onRefusal(refusal) }
    }

    private func leave(_ state: inout State) {
        guard let old = state.reserved else { return }
        if let range = place.value {
            memory.detach(range)
            dispatch.memoryExits.observeStores(into: range, nil)
        }
        place.value = nil
        dispatch.updateMemory { $0.release(at: old.start.rawValue) }
        state.reserved = nil
    }

    /// - Returns: the range of the BAR.
    private func take(_ address: UInt64, _ byteCount: UInt64) throws(BARMemoryRefusal) -> GuestRange {
        let start = GuestAddress(address)
        guard let whole = GuestRange(start: start, byteCount: byteCount),
            let range = GuestRange(start: start, byteCount: UInt64(mapping.byteCount)), range.last <= whole.last,
            windows.contains(where: { $0.contains(whole.start) && $0.contains(whole.last) })
        else { throw .outsideWindows(GuestRange(start: start, byteCount: byteCount)) }
        guard dispatch.updateMemory({ $0.reserve(at: address, byteCount: byteCount) }) else { throw .taken(whole) }
        do throws(MachineError) {
            try attach(range)
        } catch {
            dispatch.updateMemory { $0.release(at: address) }
            throw .refused(range, "\(error)")
        }
        return whole
    }

    private func attach(_ range: GuestRange) throws(MachineError) {
        guard let region = MemoryRegion(range: range, mapping: mapping, purpose: .persistentMemory(name)) else {
            throw .guestMemory(.unmapped(range.start))
        }
        dispatch.memoryExits.observeStores(into: range, onDroppedStore)
        do throws(MachineError) { try memory.attach(region) } catch {
            dispatch.memoryExits.observeStores(into: range, nil)
            throw error
        }
        place.value = range
    }
}
