import QEMUDialect
import Synchronization

/// The observers of the machine's events.
final class EventObservers: Sendable {
    private struct State {
        var next: UInt64 = 0
        var observers: [UInt64: @Sendable (MonitorEvent) -> Void] = [:]
    }

    private let state = Mutex(State())

    func add(_ observer: @escaping @Sendable (MonitorEvent) -> Void) -> UInt64 {
        state.withLock { state in
            state.next += 1
            state.observers[state.next] = observer
            return state.next
        }
    }

    func remove(_ number: UInt64) {
        state.withLock { _ = $0.observers.removeValue(forKey: number) }
    }

    func tell(_ event: MonitorEvent) {
        let observers = state.withLock { state in state.observers.sorted { $0.key < $1.key }.map(\.value) }
        for observer in observers { observer(event) }
    }
}
