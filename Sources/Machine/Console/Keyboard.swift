import Synchronization

/// Input on its way to the serial port.
final class Keyboard: Sendable {
    private struct State {
        var backlog: [UInt8] = []
        var escape = EscapeKey()
    }

    private let state = Mutex(State())

    /// How much input the chip has not taken yet.
    var backlogByteCount: Int { state.withLock { $0.backlog.count } }

    func append(_ bytes: [UInt8]) { state.withLock { $0.backlog += bytes } }

    /// Adds what is for the guest.
    ///
    /// - Returns: everything else.
    func appendFiltered(_ bytes: [UInt8]) -> [EscapeKey.Action] {
        state.withLock { state in
            let (forGuest, actions) = state.escape.filter(bytes)
            state.backlog += forGuest
            return actions
        }
    }

    func discard() { state.withLock { $0.backlog = [] } }

    /// Offers the backlog; `accept` says how much it took.
    func deliver(_ accept: ([UInt8]) -> Int) {
        state.withLock { state in
            guard !state.backlog.isEmpty else { return }
            state.backlog.removeFirst(min(accept(state.backlog), state.backlog.count))
        }
    }
}
