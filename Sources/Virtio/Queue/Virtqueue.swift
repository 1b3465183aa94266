public import GuestMemory

/// What was available at one moment: everything before this position, and nothing after it.
///
/// Whatever the driver makes available later lies beyond it, so work that began after the horizon was taken covers
/// every buffer up to it, and may not be used to answer one beyond it.
public struct Horizon: Hashable, Sendable {
    /// Counted from the queue's start: chains of a split ring, descriptors of a packed one.
    let position: UInt64
}

/// The device's side of a virtqueue, whatever its layout (virtio 1.3, section 2.6). It knows no notification
/// mechanism: it says when one is wanted. One thread at a time.
///
/// Every method that throws leaves the queue useless until the device is reset, and throws the same error from then on.
public protocol Virtqueue: Sendable {
    /// Reads, once, how far the driver has come.
    mutating func publishedHorizon(in memory: MemoryMap) throws(QueueError) -> Horizon
    /// Takes the next buffer before the horizon; nil when there is none left.
    mutating func pop(upTo horizon: Horizon, in memory: MemoryMap) throws(QueueError) -> AvailableBuffer?
    /// Writes a used entry, which the driver sees with the next `publish`.
    ///
    /// - Parameter writtenByteCount: how many bytes the device wrote into the buffer, from its first writable one on.
    mutating func push(_ token: BufferToken, writtenByteCount: UInt32, in memory: MemoryMap) throws(QueueError)
    /// Shows the driver every entry pushed so far, at once.
    ///
    /// - Returns: whether the driver wants an interrupt for them.
    mutating func publish(in memory: MemoryMap) throws(QueueError) -> Bool
    /// Asks the driver to notify the device of the next buffer.
    ///
    /// - Returns: whether one is there already. The driver may not have seen the request when it came, so the caller
    ///   must take it without waiting for a notification.
    mutating func requestNotification(in memory: MemoryMap) throws(QueueError) -> Bool
}

extension QueueActivation {
    /// The queue in the layout that was negotiated.
    public func makeQueue(features: UInt64) -> any Virtqueue {
        features & Feature.packedRing != 0
            ? PackedQueue(self, features: features) : SplitQueue(self, features: features)
    }
}

/// Whether an index that just went from `old` to `new` has passed `event` (section 2.7.10). All three wrap at 2^16.
func passed(event: UInt16, from old: UInt16, to new: UInt16) -> Bool {
    new &- event &- 1 < new &- old
}
