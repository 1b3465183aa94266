public import GuestMemory
public import Host
public import PCI

/// A PCI function that a session serves, with what surrounds it. Made anew for every client, so that nothing of one is
/// left for the next.
public struct ServedDevice: Sendable {
    /// A BAR that is plain memory: a file that the client maps.
    public struct Storage: Sendable {
        /// The BAR's index.
        public let bar: Int
        /// The same memory in this process.
        public let mapping: HostMapping
        /// What the client gets.
        public let descriptor: SharedDescriptor
        /// Where the memory begins in the file, in bytes.
        public let fileOffset: UInt64
        /// The name of the device.
        public let name: String
        /// Told where the guest has put the BAR.
        public let place: MovingRange

        public init(
            bar: Int, mapping: HostMapping, descriptor: SharedDescriptor, fileOffset: UInt64, name: String,
            place: MovingRange = MovingRange()
        ) {
            self.bar = bar
            self.mapping = mapping
            self.descriptor = descriptor
            self.fileOffset = fileOffset
            self.name = name
            self.place = place
        }
    }

    /// A place in a BAR where a store means that there is work.
    public struct Doorbell: Sendable {
        public let bar: Int
        /// In the BAR, in bytes.
        public let offset: UInt64
        /// The width of the stores that count; 0 for every width.
        public let byteCount: UInt64

        public init(bar: Int, offset: UInt64, byteCount: UInt64) {
            self.bar = bar
            self.offset = offset
            self.byteCount = byteCount
        }
    }

    public let function: Function
    /// What the client gives; the session fills it.
    public let memory: GuestAddressSpace
    public let interrupts: ClientInterrupts
    public let storage: Storage?
    public let doorbells: [Doorbell]
    /// Resets function and device; the completion is called when nothing is in flight any more, from whichever thread.
    public let reset: @Sendable (_ completion: @escaping @Sendable () -> Void) -> Void

    public init(
        function: Function, memory: GuestAddressSpace, interrupts: ClientInterrupts, storage: Storage?,
        doorbells: [Doorbell],
        reset: @escaping @Sendable (_ completion: @escaping @Sendable () -> Void) -> Void
    ) {
        self.function = function
        self.memory = memory
        self.interrupts = interrupts
        self.storage = storage
        self.doorbells = doorbells
        self.reset = reset
    }

    /// Resets, and returns when that is done.
    func resetAndWait() {
        let isDone = ConditionLock(false)
        reset { isDone.withLock { $0 = true } }
        isDone.wait(while: { !$0 }, then: { _ in })
    }
}
