public import GuestMemory

/// What a device does with the requests of one queue. A `QueueWorker` makes one for each activation and calls it on
/// its own thread, round by round: `take` for every request before one horizon, `work`, `answer` for those that are
/// done.
///
/// Only `work` may wait, and it alone is given no memory, so that memory can be unplugged meanwhile.
public protocol QueueHandler {
    /// Reads a request. The handler keeps all that it needs to answer it.
    ///
    /// - Returns: what is wrong with it; it gets an answer all the same.
    mutating func take(_ chain: DescriptorChain, in memory: MemoryMap) -> RequestError?

    /// A chain was taken that makes no sense. The driver gets it back unused.
    mutating func chainWasMalformed()

    /// Does what the requests that were taken and not answered ask for; there is at least one. Every one of them was
    /// available when this was called, and none that becomes available meanwhile is among them.
    ///
    /// - Parameter wait: the only way to wait. After a wait, return: requests that came meanwhile are taken, and this
    ///   is called again.
    /// - Returns: how many requests can be answered now, the oldest first; 0 if none.
    mutating func work(_ wait: QueueWait) -> Int

    /// Writes the answer of the oldest request that has none yet, and forgets the request.
    ///
    /// - Returns: how many bytes of its buffer were written.
    /// - Throws: what is wrong with the buffer; it goes back unused.
    mutating func answer(in memory: MemoryMap) throws(RequestError) -> UInt32
}
