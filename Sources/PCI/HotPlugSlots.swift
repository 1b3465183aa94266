import Synchronization

/// The registers through which the guest's ACPI code learns of functions that come and go (ACPI 6.5, section 6.3), one
/// bit per slot. The layout is our own; `Register` is all that the AML has to know.
///
/// An event method loads `up`, which takes its bits, and notifies each of those slots (device check); the same with
/// `down` (eject request). `_EJ0` stores the slot's bit into `eject`. `_STA` may look at `present`, `_OST` store into
/// `outcome`.
public final class HotPlugSlots: RegisterBlock {
    /// The registers' offsets in bytes; each is 4 bytes, to be accessed as a whole.
    public enum Register: Int, Sendable {
        /// Slots that were filled and not looked at yet. A load of the whole register sets it to 0.
        case up = 0x00
        /// Slots that the monitor wants emptied and that were not looked at yet. A load of the whole register sets it
        /// to 0.
        case down = 0x04
        /// Stored: the slots to empty now. Loaded: the slots that can be emptied.
        case eject = 0x08
        /// Slots that hold a function.
        case present = 0x0c
        /// Stored: what became of a request, as `_OST` has it: status in bits 0 to 15, the event's low bits in 16 to
        /// 26, the slot in 27 to 31. Loaded: 0.
        case outcome = 0x10
    }

    /// The size of the block in bytes.
    public static let byteCount = 0x14

    /// What the guest did.
    public enum GuestAction: Equatable, Sendable {
        /// The guest let go of the function in this slot, which is to be removed now.
        case eject(slot: Int)
        /// The guest says what became of a request (ACPI 6.5, section 6.3.5): `event` as in `_OST`'s first argument (3
        /// for an eject request), `status` 0 for success.
        case outcome(slot: Int, event: UInt16, status: UInt16)

        /// The event of an outcome that is about an eject request.
        public static let ejectRequest: UInt16 = 3
    }

    private let state: Mutex<RegisterTable>
    private let notifyGuest: @Sendable () -> Void
    private let guestActed: @Sendable (GuestAction) -> Void

    /// - Parameters:
    ///   - notifyGuest: raises the event that makes the guest look at `up` and `down`.
    ///   - guestActed: called on the vCPU that stored, with no lock held.
    public init(
        notifyGuest: @escaping @Sendable () -> Void, guestActed: @escaping @Sendable (GuestAction) -> Void
    ) {
        state = Mutex(RegisterTable(byteCount: Self.byteCount))
        self.notifyGuest = notifyGuest
        self.guestActed = guestActed
    }

    /// A slot was filled before the guest started: it finds the function by itself.
    public func setPresent(slot: Int, isRemovable: Bool) {
        state.withLock { registers in
            registers.setBit(slot, of: .present)
            if isRemovable { registers.setBit(slot, of: .eject) }
        }
    }

    /// A slot was filled while the guest runs: tells it.
    public func plug(slot: Int) {
        state.withLock { registers in
            registers.setBit(slot, of: .present)
            registers.setBit(slot, of: .eject)
            registers.setBit(slot, of: .up)
        }
        notifyGuest()
    }

    /// Asks the guest to let go of the function in a slot.
    ///
    /// - Returns: false when the slot is empty or its function cannot be removed.
    public func requestRemoval(slot: Int) -> Bool {
        let isPossible = state.withLock { registers in
            guard registers.bit(slot, of: .eject) else { return false }
            registers.setBit(slot, of: .down)
            return true
        }
        if isPossible { notifyGuest() }
        return isPossible
    }

    /// A slot was emptied: everything about it is forgotten.
    public func removed(slot: Int) {
        state.withLock { registers in
            for register in [Register.up, .down, .eject, .present] { registers.clearBit(slot, of: register) }
        }
    }
}

// MARK: - The guest's side

extension HotPlugSlots {
    /// Offsets past the end answer zero.
    public func load(at offset: UInt64, byteCount: Int) -> UInt64 {
        guard let offset = Int(exactly: offset) else { return 0 }
        return state.withLock { registers in
            let value = registers.load(at: offset, byteCount: byteCount)
            if byteCount == 4, offset == Register.up.rawValue || offset == Register.down.rawValue {
                registers.set(0, at: offset, byteCount: 4)
            }
            return value
        }
    }

    public func store(_ value: UInt64, at offset: UInt64, byteCount: Int) {
        guard let offset = Int(exactly: offset), byteCount == 4 else { return }
        if offset == Register.eject.rawValue {
            let removable = state.withLock { $0.load(at: offset, byteCount: 4) }
            for slot in 0..<32 where value & removable & 1 << UInt64(slot) != 0 { guestActed(.eject(slot: slot)) }
        } else if offset == Register.outcome.rawValue {
            guestActed(
                .outcome(
                    slot: Int(value >> 27 & 31), event: UInt16(value >> 16 & 0x7ff), status: UInt16(value & 0xffff)))
        }
    }
}

extension RegisterTable {
    fileprivate func bit(_ slot: Int, of register: HotPlugSlots.Register) -> Bool {
        (0..<32).contains(slot) && load(at: register.rawValue, byteCount: 4) & 1 << UInt64(slot) != 0
    }

    fileprivate mutating func setBit(_ slot: Int, of register: HotPlugSlots.Register) {
        guard (0..<32).contains(slot) else { return }
        set(load(at: register.rawValue, byteCount: 4) | 1 << UInt64(slot), at: register.rawValue, byteCount: 4)
    }

    fileprivate mutating func clearBit(_ slot: Int, of register: HotPlugSlots.Register) {
        guard (0..<32).contains(slot) else { return }
        set(load(at: register.rawValue, byteCount: 4) & ~(1 << UInt64(slot)), at: register.rawValue, byteCount: 4)
    }
}
