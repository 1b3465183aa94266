import Synchronization

/// What a function's device side wants to know of its configuration space.
public protocol FunctionDevice: AnyObject, Sendable {
    /// The driver let the function access memory, or forbade it.
    func busMasterChanged(to isBusMaster: Bool)
    /// The function was reset: everything that software configured is gone.
    func functionWasReset()
}

/// A PCI endpoint: its configuration space, what answers in its BARs, and its MSI-X vectors.
///
/// Safe to use from several vCPUs at once. Before an access that changes something returns, the observers know of the
/// change or of a later one: where several threads change the same function at once, the observers are told of what it
/// comes to. One thread tells them at a time. An observer must not change the function.
public final class Function: Sendable {
    private struct State {
        var space: ConfigurationSpace
        var resetCount: UInt64 = 0
    }

    /// What the observers are told of.
    private struct Visible: Sendable {
        let mappings: [BARMapping]
        let isBusMaster: Bool
        let resetCount: UInt64

        init(_ state: State) {
            mappings = state.space.mappings
            isBusMaster = state.space.isBusMaster
            resetCount = state.resetCount
        }
    }

    private struct Observers {
        var mapping: (@Sendable (BARMapping) -> Void)?
        weak var device: (any FunctionDevice)?
    }

    private struct LiveRegisters: Sendable {
        let range: Range<Int>
        let block: any RegisterBlock
    }

    /// In order of index.
    public let bars: [BaseAddressRegister]
    private let interrupts: MessageSignalledInterrupts?
    /// Where the MSI-X message control register is; nil without MSI-X.
    private let interruptControlOffset: Int?
    private let liveRegisters: [LiveRegisters]
    private let initial: ConfigurationSpace
    private let state: Mutex<State>
    private let delivery: StateDelivery<Visible>
    private let observers = Mutex(Observers())

    /// - Throws: `overlappingBAR` or `noRoomForCapability`.
    public init(
        _ identity: Identity, bars: [BaseAddressRegister] = [], capabilities: [Capability] = [],
        interrupts placement: MessageSignalledInterruptsPlacement? = nil
    ) throws(ConfigurationError) {
        var space = try ConfigurationSpace(identity, bars: bars)
        var live: [LiveRegisters] = []
        for capability in capabilities {
            let offset = try space.addCapability(identifier: capability.identifier, body: capability.body)
            let end = offset + 2 + capability.body.count
            if let block = capability.live, capability.liveOffset < end - offset {
                live.append(LiveRegisters(range: offset + capability.liveOffset..<end, block: block))
            }
        }
        if let placement {
            let offset = try space.addCapability(
                identifier: Capability.messageSignalledInterrupts, body: placement.body,
                writable: MessageSignalledInterruptsPlacement.writable)
            interruptControlOffset = offset + 2
        } else {
            interruptControlOffset = nil
        }
        self.bars = space.bars
        interrupts = placement?.interrupts
        liveRegisters = live
        initial = space
        delivery = StateDelivery(Visible(State(space: space)))
        state = Mutex(State(space: space))
    }

    /// Sets the observer of BAR ranges that move, appear or (address nil) go. The machine's rebuilds its address table
    /// and registers doorbells anew. Ranges that are mapped already are not reported again; see `mappings`.
    public func observeMappings(_ observer: (@Sendable (BARMapping) -> Void)?) {
        observers.withLock { $0.mapping = observer }
    }

    /// The device behind the function, held weakly.
    public func attach(_ device: any FunctionDevice) {
        observers.withLock { $0.device = device }
    }
}

// MARK: - Configuration accesses

extension Function {
    /// A configuration load of any width at any offset in bytes; past 4096 it answers all ones.
    public func loadConfiguration(at offset: UInt64, byteCount: Int) -> UInt64 {
        var result: UInt64 = 0
        for piece in dwordPieces(of: offset, byteCount: byteCount) {
            result |= loadRegister(piece) &<< piece.shift
        }
        return result
    }

    /// A configuration store of any width at any offset in bytes; past 4096 it does nothing.
    public func storeConfiguration(_ value: UInt64, at offset: UInt64, byteCount: Int) {
        for piece in dwordPieces(of: offset, byteCount: byteCount) {
            storeRegister(lowBytes(value &>> piece.shift, piece.byteCount), piece)
        }
    }

    private func loadRegister(_ piece: AccessPiece) -> UInt64 {
        guard let offset = Int(exactly: piece.offset) else { return allOnes(byteCount: piece.byteCount) }
        if let (block, inner) = live(at: offset) {
            return lowBytes(block.load(at: inner, byteCount: piece.byteCount), piece.byteCount)
        }
        return state.withLock { $0.space.load(at: offset, byteCount: piece.byteCount) }
    }

    private func storeRegister(_ value: UInt64, _ piece: AccessPiece) {
        guard let offset = Int(exactly: piece.offset) else { return }
        if let (block, inner) = live(at: offset) {
            return block.store(value, at: inner, byteCount: piece.byteCount)
        }
        change { $0.store(value, at: offset, byteCount: piece.byteCount) }
    }

    private func live(at offset: Int) -> (any RegisterBlock, UInt64)? {
        for registers in liveRegisters where registers.range.contains(offset) {
            return (registers.block, UInt64(offset - registers.range.lowerBound))
        }
        return nil
    }

    private typealias Tickets = (
        own: StateDelivery<Visible>.Ticket, interrupts: StateDelivery<[InterruptMessage?]>.Ticket?
    )

    /// Changes the configuration space and tells the observers what that changed for them.
    private func change(_ body: (inout ConfigurationSpace) -> Void) {
        let tickets = state.withLock { state -> Tickets in
            body(&state.space)
            return (delivery.takeTicket(), interrupts?.setDelivering(isDelivering(state.space)))
        }
        deliver(tickets)
    }

    private func isDelivering(_ space: ConfigurationSpace) -> Bool {
        guard let interruptControlOffset else { return false }
        let control = space.load(at: interruptControlOffset, byteCount: 2)
        return space.isBusMaster && control & MessageSignalledInterruptsPlacement.enableBit != 0
            && control & MessageSignalledInterruptsPlacement.maskBit == 0
    }

    private func deliver(_ tickets: Tickets) {
        if let ticket = tickets.interrupts { interrupts?.deliver(ticket) }
        delivery.deliver(tickets.own, latest: { state.withLock { Visible($0) } }, to: tell)
    }

    private func tell(_ old: Visible, _ new: Visible) {
        let (mapping, device) = observers.withLock { ($0.mapping, $0.device) }
        for (old, new) in zip(old.mappings, new.mappings) where old != new { mapping?(new) }
        if old.isBusMaster != new.isBusMaster { device?.busMasterChanged(to: new.isBusMaster) }
        if old.resetCount != new.resetCount { device?.functionWasReset() }
    }
}

// MARK: - The monitor's side

extension Function {
    /// Where each BAR's range is now, in order of index.
    public var mappings: [BARMapping] { state.withLock { $0.space.mappings } }

    /// The address that each BAR holds, whether it is decoded or not; nil for one that holds none.
    public var programmedAddresses: [BARMapping] {
        state.withLock { state in
            state.space.bars.map { bar in
                let address = state.space.programmedAddress(of: bar)
                return BARMapping(index: bar.index, address: address == 0 ? nil : address, byteCount: bar.byteCount)
            }
        }
    }

    /// Writes an address into a BAR, as firmware does before the operating system starts.
    public func setAddress(_ address: UInt64, ofBAR index: Int) {
        guard let bar = bars.first(where: { $0.index == index }) else { return }
        change { $0.setAddress(address, of: bar) }
    }

    /// Back to the state after power-on: nothing is decoded, no BAR has an address, MSI-X is off.
    public func reset() {
        let tickets = state.withLock { state -> Tickets in
            state.space = initial
            state.resetCount &+= 1
            return (delivery.takeTicket(), interrupts?.reset())
        }
        deliver(tickets)
    }
}
