import GuestMemory
import Virtio

/// Fills the buffers of one activation, in their order, with what the source gives (virtio 1.3, section 5.4.6).
struct EntropyHandler: QueueHandler {
    /// The most that one reading of the source brings, in bytes: a buffer may be as long as 4 GiB.
    private static let longestReading = 64 << 10
    /// How long to leave a source alone that cannot be waited for, in nanoseconds.
    private static let retryDelay: UInt64 = 100_000_000

    private struct Buffer {
        var writer: ChainWriter
        /// How much it can get.
        let room: UInt64
        /// How much of the last reading it gets.
        var share = 0
    }

    private let source: any EntropySource
    private let quota: EntropyQuota
    private let onEvent: @Sendable (RNGEvent) -> Void

    private var buffers: [Buffer] = []
    /// The last reading, and how much of it the guest has.
    private var reading: [UInt8] = []
    private var written = 0
    private var hasComplained = false
    /// The source's descriptor could be read, and the source has not been asked since.
    private var isReady = false
    /// Whether its descriptor says anything: a driver without `poll` is always ready.
    private var isPollable = true

    init(_ source: any EntropySource, _ quota: EntropyQuota, onEvent: @escaping @Sendable (RNGEvent) -> Void) {
        self.source = source
        self.quota = quota
        self.onEvent = onEvent
    }

    /// A buffer with a piece to read, or with no room, gets nothing.
    mutating func take(_ chain: DescriptorChain, in memory: MemoryMap) -> RequestError? {
        let writer = ChainWriter(chain)
        let problem: RequestError? =
            if !chain.descriptors.allSatisfy(\.isDeviceWritable) {
                .readablePiece
            } else if writer.remainingByteCount == 0 { .noRoom(byteCount: 0) } else { nil }
        buffers.append(Buffer(writer: writer, room: problem == nil ? writer.remainingByteCount : 0))
        return problem
    }

    mutating func chainWasMalformed() {}

    mutating func work(_ wait: QueueWait) -> Int {
        let emptyCount = buffers.prefix { $0.room == 0 }.count
        guard emptyCount == 0 else { return emptyCount }
        switch quota.allowance {
        case .bytes(let allowed): return read(atMost: allowed, wait)
        case .nothing(let delay): wait.pause(nanoseconds: delay)
        }
        return 0
    }

    private mutating func read(atMost allowed: UInt64, _ wait: QueueWait) -> Int {
        let room = buffers.reduce(0) { $0 &+ $1.room }
        let wanted = Int(min(room, allowed, UInt64(Self.longestReading)))
        if reading.count < wanted { reading = [UInt8](repeating: 0, count: wanted) }
        switch source.read(into: &reading, count: wanted) {
        case .bytes(let count):
            isReady = false
            quota.spend(count)
            return share(min(count, wanted))
        case .notYet: waitForSource(wait)
        case .ended: complain(.sourceEnded, wait)
        case .failed(let error): complain(.sourceFailed(error), wait)
        }
        return 0
    }

    /// Gives each buffer as much as it can get, until the bytes are used up.
    ///
    /// - Returns: how many buffers got something, or can get nothing.
    private mutating func share(_ byteCount: Int) -> Int {
        var left = byteCount
        written = 0
        for index in buffers.indices {
            if left == 0, buffers[index].room > 0 { return index }
            buffers[index].share = Int(min(buffers[index].room, UInt64(left)))
            left -= buffers[index].share
        }
        return buffers.count
    }

    private mutating func waitForSource(_ wait: QueueWait) {
        if isReady { isPollable = false }
        if isPollable, let descriptor = source.descriptor {
            isReady = wait.untilReadable(descriptor)
        } else {
            wait.pause(nanoseconds: Self.retryDelay)
        }
    }

    /// Told once per activation. The requests wait: the source may have more later, as a FIFO has with its next writer.
    private mutating func complain(_ event: RNGEvent, _ wait: QueueWait) {
        if !hasComplained { onEvent(event) }
        hasComplained = true
        wait.pause(nanoseconds: Self.retryDelay)
    }

    mutating func answer(in memory: MemoryMap) throws(RequestError) -> UInt32 {
        var buffer = buffers.removeFirst()
        guard buffer.share > 0 else { return 0 }
        let end = written + buffer.share
        defer { written = end }
        try buffer.writer.write(reading.span.extracting(written..<end), in: memory)
        return buffer.writer.writtenByteCount
    }
}
