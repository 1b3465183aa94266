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
    /// Another thread, such as a monitor's, has something to do.
    case request(@Sendable (ControlPlane) -> Void)
}

extension ControlEvent {
    /// Whether `other`, which waits already, need not be acted on if this is: the guest says the same again, or what
    /// became of it later. A guest may say such things without end.
    fileprivate func supersedes(_ other: ControlEvent) -> Bool {
        switch (self, other) {
        case (.power(let new), .power(let old)): new == old
        case (.serialSpace, .serialSpace): true
        case (.hotPlug(let new), .hotPlug(let old)): new.supersedes(old)
        case (.emulationFailed(let new, _, _), .emulationFailed(let old, _, _)): new == old
        default: false
        }
    }
}

extension HotPlugSlots.GuestAction {
    fileprivate func supersedes(_ other: Self) -> Bool {
        switch (self, other) {
        case (.eject(let new), .eject(let old)): new == old
        // An outcome of a plugging says nothing about an ejection.
        case (.outcome(let slot, let event, _), .outcome(let oldSlot, let oldEvent, _)):
            slot == oldSlot && (event == Self.ejectRequest) == (oldEvent == Self.ejectRequest)
        default: false
        }
    }
}

/// The control plane's mailbox: any thread posts, one thread takes. What a guest can post is bounded.
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

    /// - Returns: false when events are no longer taken.
    @discardableResult
    func post(_ event: ControlEvent) -> Bool {
        let isTaken = state.withLock { state in
            guard !state.isClosed else { return false }
            if let index = state.events.firstIndex(where: event.supersedes) {
                state.events[index] = event
            } else {
                state.events.append(event)
            }
            return true
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
