import Synchronization

/// Hands events to a receiver in the order in which they were enqueued, and holds no lock while the receiver runs.
///
/// Several vCPUs may change the same function at once. Each enqueues while it holds the lock that orders the changes,
/// lets go of it, and then delivers; whoever comes first delivers for all. The receiver may thus take any lock, and call
/// back into what it is told about.
final class OrderedDelivery<Event: Sendable>: Sendable {
    private struct State {
        var waiting: [Event] = []
        var isDelivering = false
    }

    private let state = Mutex(State())

    func enqueue(_ event: Event) {
        state.withLock { $0.waiting.append(event) }
    }

    /// Delivers what waits, unless a delivery is under way (on another thread, or further up this one's stack): then that
    /// one delivers these events too.
    func deliver(to receiver: (Event) -> Void) {
        let isFirst = state.withLock { state in
            defer { state.isDelivering = true }
            return !state.isDelivering
        }
        guard isFirst else { return }
        while let event = next() { receiver(event) }
    }

    private func next() -> Event? {
        state.withLock { state in
            if state.waiting.isEmpty {
                state.isDelivering = false
                return nil
            }
            return state.waiting.removeFirst()
        }
    }
}
