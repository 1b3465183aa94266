/// Something that happened to the machine and that QMP tells its clients.
public enum MonitorEvent: Equatable, Sendable {
    case shutdown(ShutdownCause)
    case reset(ShutdownCause)
    case stop
    case resume
    /// The power button was pressed.
    case powerDown
    /// A device is gone; its id, if it has one.
    case deviceDeleted(id: String?)
    /// The guest refused to let a device go.
    case unplugRefused(id: String?)
    /// The host could not make the guest's stores durable: what it wrote since its last flush may be lost.
    case flushFailed(FlushFailure)
    /// The machine stopped because the host has no page for an access of the guest.
    case memoryFault(MemoryFault)
}

/// The cause of a shutdown or reset; the raw values are QEMU's.
public enum ShutdownCause: String, Equatable, Sendable {
    case hostError = "host-error"
    case hostQMPQuit = "host-qmp-quit"
    case hostQMPSystemReset = "host-qmp-system-reset"
    case hostSignal = "host-signal"
    /// The user did, at the terminal.
    case hostUI = "host-ui"
    case guestShutdown = "guest-shutdown"
    case guestReset = "guest-reset"
    case guestPanic = "guest-panic"

    public var isGuest: Bool {
        switch self {
        case .guestShutdown, .guestReset, .guestPanic: true
        default: false
        }
    }
}

/// What a flush that failed was about.
public struct FlushFailure: Equatable, Sendable {
    /// The device's id; nil when it has none, or the backend has no device.
    public var id: String?
    /// The backend's id.
    public var memoryBackend: String
    /// Nil without a file.
    public var path: String?
    /// Such as `EIO`.
    public var errorName: String

    public init(id: String?, memoryBackend: String, path: String?, errorName: String) {
        self.id = id
        self.memoryBackend = memoryBackend
        self.path = path
        self.errorName = errorName
    }
}

/// An access of the guest that the host has no page for.
public struct MemoryFault: Equatable, Sendable {
    /// The device's id; nil when it has none, or the kernel does not tell where the access was.
    public var id: String?
    public var path: String?
    /// Guest-physical; nil where the kernel does not tell.
    public var address: UInt64?
    /// A sentence for a person.
    public var reason: String

    public init(id: String?, path: String?, address: UInt64?, reason: String) {
        self.id = id
        self.path = path
        self.address = address
        self.reason = reason
    }
}
