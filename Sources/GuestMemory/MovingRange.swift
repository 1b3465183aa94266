import Synchronization

/// A range of guest-physical addresses that the guest chooses and changes, such as a BAR's; nil while there is none.
public final class MovingRange: Sendable {
    private let current = Mutex<GuestRange?>(nil)

    public init() {}

    public var value: GuestRange? {
        get { current.withLock { $0 } }
        set { current.withLock { $0 = newValue } }
    }
}
