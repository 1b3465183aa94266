import Synchronization

/// Keeps a receiver, such as KVM, in step with a state that several vCPUs change: it gets the latest state, not every
/// one.
///
/// A change takes a ticket while it holds the lock that guards the state, gives that lock back, and calls `deliver`,
/// which returns once the receiver has this change or a later one. The receiver is told by one thread at a time. Each
/// delivery has everything that was changed before it began, so a thread waits for at most two of them: the one that
/// is under way, and the next.
final class StateDelivery<State: Sendable>: Sendable {
    /// Of a change; a later one has a higher number.
    typealias Ticket = UInt64

    /// What the receiver has.
    private struct Delivered: Sendable {
        var state: State
        var ticket: Ticket = 0
    }

    private let delivered: Mutex<Delivered>
    private let lastTicket = Atomic<Ticket>(0)

    /// - Parameter state: what the receiver has at the start.
    init(_ state: State) {
        delivered = Mutex(Delivered(state: state))
    }

    /// To be called with the lock that guards the state.
    func takeTicket() -> Ticket { lastTicket.wrappingAdd(1, ordering: .relaxed).newValue }

    /// Brings the receiver up to this change, unless it has a later one.
    ///
    /// - Parameters:
    ///   - latest: the state of now. It is called without a lock of this type's users, so it may take the one of the
    ///     state.
    ///   - tell: gets what the receiver has and what it is to have. It must not change the state itself.
    func deliver(_ ticket: Ticket, latest: () -> State, to tell: (_ old: State, _ new: State) -> Void) {
        delivered.withLock { delivered in
            guard delivered.ticket < ticket else { return }
            // Before the state, so that what is changed in between only leads to a delivery more.
            let covered = lastTicket.load(ordering: .relaxed)
            let new = latest()
            tell(delivered.state, new)
            delivered = Delivered(state: new, ticket: covered)
        }
    }
}
