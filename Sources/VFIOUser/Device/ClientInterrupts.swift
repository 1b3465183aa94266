import Host
public import PCI
import Synchronization

/// The MSI-X vectors of a device whose client raises them: each is an eventfd that the client sent, or none yet. What
/// is signalled meanwhile stays pending.
///
/// The client masks vectors by itself, so what the guest writes into the table of vectors, as far as it comes here,
/// means nothing.
public final class ClientInterrupts: InterruptMessageSink, Sendable {
    private struct Vector {
        var event: EventFD?
        var isPending = false
    }

    private let vectors: Mutex<[Vector]>
    /// How many there are.
    public let count: Int

    public init(count: Int) {
        self.count = max(count, 0)
        vectors = Mutex([Vector](repeating: Vector(), count: max(count, 0)))
    }

    /// Raises a vector; one that the device does not have is nothing.
    public func signal(_ vector: Int) {
        let event = vectors.withLock { vectors -> EventFD? in
            guard vectors.indices.contains(vector) else { return nil }
            if vectors[vector].event == nil { vectors[vector].isPending = true }
            return vectors[vector].event
        }
        event?.signal()
    }

    /// Gives a vector its eventfd, or takes it away (nil).
    func setEvent(_ event: EventFD?, ofVector vector: Int) {
        let wasPending = vectors.withLock { vectors in
            guard vectors.indices.contains(vector) else { return false }
            vectors[vector].event = event
            guard event != nil else { return false }
            defer { vectors[vector].isPending = false }
            return vectors[vector].isPending
        }
        if wasPending { event?.signal() }
    }

    /// Returns every vector to its initial state: no eventfd, nothing pending.
    func reset() {
        vectors.withLock { vectors in for index in vectors.indices { vectors[index] = Vector() } }
    }

    public func setMessage(_ message: InterruptMessage?, forVector vector: Int) {}

    public func isPending(vector: Int) -> Bool {
        vectors.withLock { $0.indices.contains(vector) && $0[vector].isPending }
    }
}

extension ClientInterrupts {
    /// Carries out SET_IRQS for this kind of interrupts.
    ///
    /// - Throws: `invalid` for vectors that there are not, for a wrong number of descriptors, and for masking, which
    ///   the client does by itself; `wrongDescriptor` for what is no eventfd. Nothing has changed then.
    func apply(_ setting: InterruptSetting, _ descriptors: [SharedDescriptor]) throws(Refusal) {
        guard setting.action == .trigger else { throw .invalid }
        guard UInt64(setting.start) + UInt64(setting.count) <= UInt64(count) else { throw .invalid }
        let range = Int(setting.start)..<Int(setting.start) + Int(setting.count)
        switch setting.data {
        case .none:
            guard descriptors.isEmpty else { throw .invalid }
            // "As a special case, a count (and start) of 0 ... disables all interrupts of the index."
            if range.isEmpty {
                guard range.lowerBound == 0 else { throw .invalid }
                return reset()
            }
            for vector in range { signal(vector) }
        case .flags(let flags):
            guard descriptors.isEmpty, flags.count == range.count else { throw .invalid }
            for (vector, flag) in zip(range, flags) where flag != 0 { signal(vector) }
        case .descriptors: try setEvents(range, descriptors)
        }
    }

    private func setEvents(_ range: Range<Int>, _ descriptors: [SharedDescriptor]) throws(Refusal) {
        guard !descriptors.isEmpty else {
            for vector in range { setEvent(nil, ofVector: vector) }
            return
        }
        guard descriptors.count == range.count else { throw .invalid }
        var events: [EventFD] = []
        for descriptor in descriptors {
            guard descriptor.with({ $0.isEventFD }) else { throw .wrongDescriptor }
            do throws(SystemCallError) {
                let own = try descriptor.duplicate()
                events.append(try EventFD(taking: own))
            } catch { throw Refusal(error.errno.rawValue) }
        }
        for (vector, event) in zip(range, events) { setEvent(event, ofVector: vector) }
    }
}
