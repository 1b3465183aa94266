import Synchronization

/// The MSI-X structures of a function: the table of vectors and the pending bits (PCI 3.0, section 6.8.2).
///
/// The sink is told whenever what a vector may send changes: its message, or nil while the vector or the function is
/// masked or MSI-X is off. What is signalled meanwhile waits in the sink, which also answers for the pending bits.
public final class MessageSignalledInterrupts: Sendable {
    /// 1 to 2048.
    public let vectorCount: Int
    /// The vector table, to be placed in a BAR at a multiple of 8 bytes.
    public var table: any RegisterBlock { VectorTable(owner: self) }
    /// The pending bit array, to be placed in a BAR at a multiple of 8 bytes.
    public var pendingBits: any RegisterBlock { PendingBits(owner: self) }
    /// The size of the vector table in bytes.
    public var tableByteCount: Int { vectorCount * Entry.byteCount }
    /// The size of the pending bit array in bytes.
    public var pendingBitsByteCount: Int { (vectorCount + 63) / 64 * 8 }

    private struct State {
        var registers: RegisterTable
        /// MSI-X is on, the function is not masked, and it may write to memory.
        var isDelivering = false
        /// What each vector may send; nil while it is masked.
        var messages: [InterruptMessage?]
    }

    private enum Entry {
        static let byteCount = 16
        static let data = 8
        static let control = 12
    }

    private let sink: any InterruptMessageSink
    private let state: Mutex<State>
    private let delivery: StateDelivery<[InterruptMessage?]>

    /// - Throws: `invalidVectorCount`.
    public init(vectorCount: Int, sink: any InterruptMessageSink) throws(ConfigurationError) {
        guard (1...2048).contains(vectorCount) else { throw .invalidVectorCount(vectorCount) }
        self.vectorCount = vectorCount
        self.sink = sink
        let messages = [InterruptMessage?](repeating: nil, count: vectorCount)
        state = Mutex(State(registers: Self.freshTable(vectorCount), messages: messages))
        delivery = StateDelivery(messages)
    }

    private static func freshTable(_ vectorCount: Int) -> RegisterTable {
        var table = RegisterTable(byteCount: vectorCount * Entry.byteCount)
        for vector in 0..<vectorCount {
            let offset = vector * Entry.byteCount
            table.define(at: offset, byteCount: 8, writable: ~0b11)
            table.define(at: offset + Entry.data, byteCount: 4, writable: 0xffff_ffff)
            // Masked until software says otherwise (section 6.8.2.9).
            table.define(at: offset + Entry.control, byteCount: 4, value: 1, writable: 1)
        }
        return table
    }

    /// The capability's state changed. The sink is told by `deliver`: the caller may hold a lock.
    func setDelivering(_ isDelivering: Bool) -> StateDelivery<[InterruptMessage?]>.Ticket {
        state.withLock { state in
            if state.isDelivering != isDelivering {
                state.isDelivering = isDelivering
                for vector in 0..<vectorCount { refresh(vector, &state) }
            }
            return delivery.takeTicket()
        }
    }

    /// Every vector masked and without a message again. The sink is told by `deliver`.
    func reset() -> StateDelivery<[InterruptMessage?]>.Ticket {
        state.withLock { state in
            state.registers = Self.freshTable(vectorCount)
            state.isDelivering = false
            for vector in 0..<vectorCount { refresh(vector, &state) }
            return delivery.takeTicket()
        }
    }

    /// Tells the sink what changed. To be called without a lock.
    func deliver(_ ticket: StateDelivery<[InterruptMessage?]>.Ticket) {
        delivery.deliver(ticket, latest: { state.withLock { $0.messages } }) { old, new in
            for vector in new.indices where old[vector] != new[vector] {
                sink.setMessage(new[vector], forVector: vector)
            }
        }
    }

    private func refresh(_ vector: Int, _ state: inout State) {
        let offset = vector * Entry.byteCount
        let isMasked = state.registers.load(at: offset + Entry.control, byteCount: 1) & 1 != 0
        var message: InterruptMessage?
        if state.isDelivering, !isMasked {
            message = InterruptMessage(
                address: state.registers.load(at: offset, byteCount: 8),
                data: UInt32(truncatingIfNeeded: state.registers.load(at: offset + Entry.data, byteCount: 4)))
        }
        if state.messages[vector] != message { state.messages[vector] = message }
    }
}

// MARK: - The structures in a BAR

extension MessageSignalledInterrupts {
    fileprivate func loadTable(at offset: UInt64, byteCount: Int) -> UInt64 {
        guard let offset = Int(exactly: offset) else { return 0 }
        return state.withLock { $0.registers.load(at: offset, byteCount: byteCount) }
    }

    fileprivate func storeTable(_ value: UInt64, at offset: UInt64, byteCount: Int) {
        guard let offset = Int(exactly: offset), offset < tableByteCount, (1...8).contains(byteCount) else { return }
        let ticket = state.withLock { state in
            state.registers.store(value, at: offset, byteCount: byteCount)
            let last = min(offset + byteCount - 1, tableByteCount - 1)
            for vector in offset / Entry.byteCount...last / Entry.byteCount { refresh(vector, &state) }
            return delivery.takeTicket()
        }
        deliver(ticket)
    }

    fileprivate func loadPendingBits(at offset: UInt64, byteCount: Int) -> UInt64 {
        guard offset < UInt64(pendingBitsByteCount), (1...8).contains(byteCount) else { return 0 }
        let first = Int(offset) * 8
        var result: UInt64 = 0
        for bit in 0..<byteCount * 8 where first + bit < vectorCount && sink.isPending(vector: first + bit) {
            result |= 1 &<< UInt64(bit)
        }
        return result
    }
}

private final class VectorTable: RegisterBlock {
    private let owner: MessageSignalledInterrupts

    init(owner: MessageSignalledInterrupts) { self.owner = owner }

    func load(at offset: UInt64, byteCount: Int) -> UInt64 { owner.loadTable(at: offset, byteCount: byteCount) }

    func store(_ value: UInt64, at offset: UInt64, byteCount: Int) {
        owner.storeTable(value, at: offset, byteCount: byteCount)
    }
}

private final class PendingBits: RegisterBlock {
    private let owner: MessageSignalledInterrupts

    init(owner: MessageSignalledInterrupts) { self.owner = owner }

    func load(at offset: UInt64, byteCount: Int) -> UInt64 { owner.loadPendingBits(at: offset, byteCount: byteCount) }

    /// Read-only to software (section 6.8.2.10).
    func store(_ value: UInt64, at offset: UInt64, byteCount: Int) {}
}
