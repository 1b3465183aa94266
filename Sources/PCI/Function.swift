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
/// Safe to use from several vCPUs at once. Observers are called on the thread of whoever made the change, before its
/// access returns, in the order of the changes and with no lock held; only when several threads change the same function
/// at once may one of them deliver for the others.
public final class Function: Sendable {
    private enum Event: Sendable {
        case mapping(BARMapping)
        case busMaster(Bool)
        case reset
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
    private let state: Mutex<ConfigurationSpace>
    private let events = OrderedDelivery<Event>()
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
        state = Mutex(space)
    }

    /// Who is told when a BAR's range moves, appears or (address nil) goes: the machine, which rebuilds its address table
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
        return state.withLock { $0.load(at: offset, byteCount: piece.byteCount) }
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

    /// Changes the configuration space and tells everybody what that changed for them.
    private func change(_ body: (inout ConfigurationSpace) -> Void) {
        state.withLock { space in
            let before = space
            body(&space)
            enqueueChanges(from: before, to: space)
        }
        deliver()
    }

    private func enqueueChanges(from before: ConfigurationSpace, to after: ConfigurationSpace) {
        interrupts?.setDelivering(isDelivering(after))
        for (old, new) in zip(before.mappings, after.mappings) where old != new { events.enqueue(.mapping(new)) }
        if before.isBusMaster != after.isBusMaster { events.enqueue(.busMaster(after.isBusMaster)) }
    }

    private func isDelivering(_ space: ConfigurationSpace) -> Bool {
        guard let interruptControlOffset else { return false }
        let control = space.load(at: interruptControlOffset, byteCount: 2)
        return space.isBusMaster && control & MessageSignalledInterruptsPlacement.enableBit != 0
            && control & MessageSignalledInterruptsPlacement.maskBit == 0
    }

    private func deliver() {
        interrupts?.deliverReports()
        events.deliver { event in
            let (mapping, device) = observers.withLock { ($0.mapping, $0.device) }
            switch event {
            case .mapping(let change): mapping?(change)
            case .busMaster(let isBusMaster): device?.busMasterChanged(to: isBusMaster)
            case .reset: device?.functionWasReset()
            }
        }
    }
}

// MARK: - The monitor's side

extension Function {
    /// Where each BAR's range is now, in order of index.
    public var mappings: [BARMapping] { state.withLock { $0.mappings } }

    /// The address that each BAR holds, whether it is decoded or not; nil for one that holds none.
    public var programmedAddresses: [BARMapping] {
        state.withLock { space in
            space.bars.map { bar in
                let address = space.programmedAddress(of: bar)
                return BARMapping(index: bar.index, address: address == 0 ? nil : address, byteCount: bar.byteCount)
            }
        }
    }

    /// Whether software turned MSI-X on.
    public var usesMessageSignalledInterrupts: Bool {
        guard let interruptControlOffset else { return false }
        return state.withLock {
            $0.load(at: interruptControlOffset, byteCount: 2) & MessageSignalledInterruptsPlacement.enableBit != 0
        }
    }

    /// Writes an address into a BAR, as firmware does before the operating system starts.
    public func setAddress(_ address: UInt64, ofBAR index: Int) {
        guard let bar = bars.first(where: { $0.index == index }) else { return }
        change { $0.setAddress(address, of: bar) }
    }

    /// Back to the state after power-on: nothing is decoded, no BAR has an address, MSI-X is off.
    public func reset() {
        state.withLock { space in
            let before = space
            space = initial
            interrupts?.reset()
            enqueueChanges(from: before, to: space)
            events.enqueue(.reset)
        }
        deliver()
    }
}
