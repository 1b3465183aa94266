/// What answers loads and stores in a range of addresses: a BAR, a port range, the configuration window.
public protocol RegisterBlock: AnyObject, Sendable {
    /// A load of 1, 2, 4 or 8 bytes at `offset` bytes into the range. Bits that do not exist read as the block decides.
    func load(at offset: UInt64, byteCount: Int) -> UInt64
    /// A store of 1, 2, 4 or 8 bytes; only the low `byteCount` bytes of `value` count.
    func store(_ value: UInt64, at offset: UInt64, byteCount: Int)
    /// A store that may have to wait for something outside, until it is interrupted.
    ///
    /// - Returns: false if it was; nothing has happened then, and the same store is to be made again.
    func attemptStore(_ value: UInt64, at offset: UInt64, byteCount: Int) -> Bool
}

extension RegisterBlock {
    /// Most stores never wait.
    public func attemptStore(_ value: UInt64, at offset: UInt64, byteCount: Int) -> Bool {
        store(value, at: offset, byteCount: byteCount)
        return true
    }
}

/// A message-signalled interrupt as the guest programmed it (PCI 3.0, section 6.8.2).
public struct InterruptMessage: Hashable, Sendable {
    /// Where the message is written.
    public let address: UInt64
    /// What is written.
    public let data: UInt32

    public init(address: UInt64, data: UInt32) {
        self.address = address
        self.data = data
    }
}

/// Where a function's MSI-X vectors end: KVM's routing, or a vfio-user client.
public protocol InterruptMessageSink: Sendable {
    /// A vector got another message, or (nil) was masked. A signal that arrives while it is masked stays pending.
    func setMessage(_ message: InterruptMessage?, forVector vector: Int)
    /// Whether a masked vector has a signal waiting; shown in the pending bit array.
    func isPending(vector: Int) -> Bool
}
