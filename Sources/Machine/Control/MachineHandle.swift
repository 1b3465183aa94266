import Host
import QEMUDialect

/// A machine as other threads, such as a monitor's, see it. Each call waits until the control plane has answered.
public final class MachineHandle: Sendable {
    /// `-name`.
    public let name: String?
    private let events: ControlEvents
    let observers: EventObservers

    init(name: String?, _ events: ControlEvents, _ observers: EventObservers) {
        self.name = name
        self.events = events
        self.observers = observers
    }

    /// Has something done by the control plane.
    ///
    /// - Throws: what `body` throws, or `ended`.
    func perform<Answer: Sendable>(
        _ body: @escaping @Sendable (ControlPlane) throws(MachineError) -> Answer
    ) throws(ControlError) -> Answer {
        let answer = ConditionLock<Result<Answer, MachineError>?>(nil)
        let isTaken = events.post(
            .request { plane in
                let result = Result { () throws(MachineError) in try body(plane) }
                answer.withLock { $0 = result }
            })
        do throws(MachineError) {
            guard isTaken else { throw .ended }
            return try answer.wait(while: { $0 == nil }, then: { $0 ?? .failure(.ended) }).get()
        } catch { throw ControlError(error) }
    }

    /// Asks the control plane something that cannot fail; `fallback` once the machine has ended.
    func ask<Answer: Sendable>(
        _ fallback: Answer, _ body: @escaping @Sendable (ControlPlane) -> Answer
    ) -> Answer {
        (try? perform { (plane) throws(MachineError) in body(plane) }) ?? fallback
    }
}
