import PCI
import Synchronization

/// The events that the generic event device dispatches (ACPI 6.5, section 5.6.9), at `BoardLayout.eventRegisters`.
///
///     0  pending events, 32 bits: a bit each; a load takes them all
public final class EventRegisters: RegisterBlock {
    /// Something that the guest's ACPI code has to look at.
    public enum Event: UInt32, Sendable, CaseIterable {
        /// The power button was pressed.
        case powerButton = 1
        /// The PCI slots' hot-plug registers have news.
        case pciHotPlug = 2
    }

    private let pending = Mutex<UInt32>(0)
    private let interrupt: @Sendable () -> Void

    /// - Parameter interrupt: sends an edge on `BoardLayout.Interrupt.events`. It must not wait.
    public init(interrupt: @escaping @Sendable () -> Void) {
        self.interrupt = interrupt
    }

    /// Tells the guest of an event.
    public func post(_ event: Event) {
        pending.withLock { $0 |= event.rawValue }
        interrupt()
    }

    /// Takes the pending events with an aligned load of four bytes; any other load reads 0 and takes nothing.
    public func load(at offset: UInt64, byteCount: Int) -> UInt64 {
        guard offset == 0, byteCount == 4 else { return 0 }
        return UInt64(
            pending.withLock { events in
                defer { events = 0 }
                return events
            })
    }

    public func store(_ value: UInt64, at offset: UInt64, byteCount: Int) {}
}
