import Assembly
import Board
import Host
import KVM
import PCI
import Synchronization

/// What other threads tell the control plane.
enum ControlEvent: Sendable {
    /// The guest wrote a power or reset register.
    case power(PowerEvent)
    /// A vCPU cannot go on. With its registers, as text.
    case processorEnded(index: Int, RunEnd, registers: String)
    /// KVM could not carry out an instruction for the guest, which got an exception instead; how often that was.
    case emulationFailed(index: Int, instructionPointer: UInt64, count: UInt64)
    /// The serial port took its last input and has space for more.
    case serialSpace
    /// The guest ejected a function, or said what became of a request.
    case hotPlug(HotPlugSlots.GuestAction)
    /// A device that the guest ejected is gone; with what failed at its end.
    case detached(name: String, DeviceReport?)
    /// Somebody outside, such as a monitor, has something to do.
    case request(@Sendable (ControlPlane) -> Void)
}

/// The control plane's letter box: any thread posts, one thread takes.
final class ControlEvents: Sendable {
    private struct State {
        var events: [ControlEvent] = []
        var isClosed = false
    }

    private let state = Mutex(State())
    private let arrival: EventFD

    init() throws(SystemCallError) {
        arrival = try EventFD()
    }

    /// To wait for: readable while there is an event.
    var interest: Poll.Interest { Poll.Interest(arrival.rawDescriptor) }

    /// - Returns: false when nobody takes events any more.
    @discardableResult
    func post(_ event: ControlEvent) -> Bool {
        let isTaken = state.withLock { state in
            if !state.isClosed { state.events.append(event) }
            return !state.isClosed
        }
        arrival.signal()
        return isTaken
    }

    /// Takes everything that has come, in order.
    func takeAll() -> [ControlEvent] {
        arrival.clear()
        return state.withLock { state in
            defer { state.events = [] }
            return state.events
        }
    }

    /// Takes what has come, for the last time.
    func close() -> [ControlEvent] {
        state.withLock { $0.isClosed = true }
        return takeAll()
    }
}
