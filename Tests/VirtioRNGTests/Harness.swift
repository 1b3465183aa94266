import GuestMemory
import Host
import Synchronization
import Testing
import TestSupport
import Virtio
@testable import VirtioRNG

/// A running device with a driver, over the embedded transport.
final class Harness {
    static let untouched: UInt8 = 0x55

    let ram: GuestRAM
    let transport: EmbeddedTransport
    let layout: RingLayout
    var queue: any DriverQueue
    private let recorder = EventRecorder()
    private let area: GuestAddress

    init(
        _ source: any EntropySource, layout: RingLayout = .split, limit: EntropyLimit = .none,
        now: @escaping @Sendable () -> UInt64 = { 1 }
    ) throws {
        self.layout = layout
        ram = try GuestRAM()
        let recorder = recorder
        let device = try RNGDevice(id: "r", source: source, limit: limit, now: now, onEvent: { recorder.record($0) })
        transport = EmbeddedTransport(
            device: device, memory: ram.memory, ringFeatures: Feature.defaultRingFeatures | Feature.packedRing)
        queue = try layout.makeDriverQueue(ram, size: 8)
        area = try ram.allocate(1 << 20)
        try start()
    }

    deinit { transport.core.writeStatus(0) }

    var events: [RNGEvent] { recorder.events }

    private func start() throws {
        let status = transport.start(accepting: layout.features(indirect: true), queues: [queue.embedded])
        #expect(status.rawValue == 15)
    }

    func reset() throws {
        transport.core.writeStatus(0)
        try wait(for: "the reset") { transport.core.status == [] }
    }

    func restart() throws {
        try reset()
        queue = try layout.makeDriverQueue(ram, size: 8)
        try start()
    }

    /// Where the buffer of a number lies, 64 KiB each.
    func address(_ number: Int, _ offset: UInt64 = 0) -> GuestAddress {
        GuestAddress(area.rawValue + UInt64(number) << 16 + offset)
    }

    /// Sends buffers of the driver's.
    func send(_ chains: [[BufferPiece]], indirect: Bool = false) throws {
        for pieces in chains { _ = try queue.add(pieces, indirect: indirect) }
        if try queue.publish() { ring() }
    }

    func ring() { transport.core.notifyQueue(0) }

    /// Waits for the next used buffer.
    ///
    /// - Returns: how many bytes the device says that it wrote.
    func receive() throws -> UInt32 {
        var used: UsedBuffer?
        try wait(for: "a used buffer") {
            used = try queue.takeUsed()
            return used != nil
        }
        return try #require(used).writtenByteCount
    }

    func bytes(_ number: Int, count: Int) throws -> [UInt8] { try ram.map.bytes(at: address(number), count: count) }

    /// Whether the device serves an ordinary request.
    func works() throws -> Bool {
        try send([[.writable(address(15), 16)]])
        return try receive() == 16
    }
}

private final class EventRecorder: Sendable {
    private let list = Mutex<[RNGEvent]>([])

    var events: [RNGEvent] { list.withLock { $0 } }

    func record(_ event: RNGEvent) { list.withLock { $0.append(event) } }
}

/// Counts upwards from 1, so that a test can tell which byte went where.
final class CountingSource: EntropySource {
    private let state: Mutex<(next: UInt8, readings: [Int])> = Mutex((1, []))
    private let longest: Int

    /// - Parameter longest: the most that one reading gives.
    init(longest: Int = .max) {
        self.longest = longest
    }

    var descriptor: CInt? { nil }
    /// How many bytes each reading asked for.
    var readings: [Int] { state.withLock { $0.readings } }

    func read(into bytes: inout [UInt8], count: Int) -> EntropyReading {
        let given = min(count, longest)
        for index in 0..<given {
            bytes[index] = state.withLock { state in
                defer { state.next &+= 1 }
                return state.next
            }
        }
        state.withLock { $0.readings.append(count) }
        return .bytes(given)
    }
}

/// A source that tells how often it has been read.
final class WatchedSource: EntropySource {
    private let base: any EntropySource
    private let count = Mutex(0)

    init(_ base: any EntropySource) {
        self.base = base
    }

    var descriptor: CInt? { base.descriptor }
    var readCount: Int { count.withLock { $0 } }

    func read(into bytes: inout [UInt8], count: Int) -> EntropyReading {
        defer { self.count.withLock { $0 += 1 } }
        return base.read(into: &bytes, count: count)
    }
}
