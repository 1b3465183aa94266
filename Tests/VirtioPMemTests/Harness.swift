import GuestMemory
import Host
import Synchronization
import Testing
import TestSupport
import Virtio
import VirtioPMem

/// A running device with a driver, over the embedded transport.
final class Harness {
    static let range = GuestRange(start: GuestAddress(0x1_0000_0000), byteCount: 2 << 20)!
    static let untouched: UInt32 = 0x5555_5555

    struct Answer: Equatable {
        let writtenByteCount: UInt32
        /// `ret` as the driver finds it.
        let status: UInt32

        static let success = Answer(writtenByteCount: 4, status: 0)
        static let failure = Answer(writtenByteCount: 4, status: 0xffff_ffff)
    }

    let ram: GuestRAM
    let backend: FakeBackend
    let durability: Durability
    let device: PMemDevice
    let transport: EmbeddedTransport
    let layout: RingLayout
    private let size: UInt16
    private let eventIndex: Bool
    private let recorder = EventRecorder()

    var queue: any DriverQueue
    private var requests: GuestAddress
    private var nextSlot = 0
    private var slots: [UInt16: Int] = [:]

    init(
        layout: RingLayout = .split, size: UInt16 = 64, eventIndex: Bool = false, backend: FakeBackend? = nil,
        policy: FlushPolicy = .syncBackend, rule: HorizonRule = .readOnce, durability: Durability? = nil,
        now: @escaping @Sendable () -> UInt64 = { MonotonicTime.nanoseconds }
    ) throws {
        self.layout = layout
        self.size = size
        self.eventIndex = eventIndex
        ram = try GuestRAM()
        let backend = try backend ?? FakeBackend()
        self.backend = backend
        let durability = durability ?? Durability(of: backend, policy: policy, now: now)
        self.durability = durability
        let recorder = recorder
        device = try PMemDevice(
            id: "nv1", durability: durability, location: { Self.range }, offersSharedMemoryRegion: false,
            maximumQueueSize: 1024, service: rule.service, onEvent: { recorder.record($0) })
        transport = EmbeddedTransport(
            device: device, memory: ram.memory,
            ringFeatures: Feature.defaultRingFeatures | Feature.packedRing)
        queue = try layout.makeDriverQueue(ram, size: size, eventIndex: eventIndex)
        requests = try ram.allocate(16 * Int(size))
        start()
    }

    deinit {
        backend.release()
        transport.core.writeStatus(0)
    }

    var events: [PMemEvent] { recorder.events }
    var map: MemoryMap { ram.map }
    /// The vector of the request queue.
    var interruptCount: Int { transport.interruptCount(vector: 1) }

    private func start() {
        let status = transport.start(
            accepting: layout.features(eventIndex: eventIndex, indirect: true), queues: [queue.embedded])
        #expect(status.rawValue == 15)
    }

    /// Resets the device and starts it with a new, empty queue.
    func restart() throws {
        transport.core.writeStatus(0)
        try wait(for: "the reset") { transport.core.status == [] }
        queue = try layout.makeDriverQueue(ram, size: size, eventIndex: eventIndex)
        slots = [:]
        start()
    }

    /// Makes flush requests available, in one step, and rings the doorbell if the device wants it.
    func send(_ count: Int = 1, indirect: Bool = false) throws {
        for _ in 0..<count {
            let slot = nextSlot
            nextSlot = (nextSlot + 1) % Int(size)
            try map.store(UInt32(0), at: type(slot))
            try map.store(Self.untouched, at: status(slot))
            slots[try queue.add([.readable(type(slot), 4), .writable(status(slot), 4)], indirect: indirect)] = slot
        }
        if try queue.publish() { ring() }
    }

    func ring() { transport.core.notifyQueue(0) }

    /// Waits for this many answers, in the order of their requests.
    func receive(_ count: Int = 1) throws -> [Answer] {
        try (0..<count).map { _ in
            let used = try receiveUsed()
            let known = slots.removeValue(forKey: used.id)
            let slot = try #require(known)
            return Answer(writtenByteCount: used.writtenByteCount, status: try map.load(at: status(slot)))
        }
    }

    func receiveUsed() throws -> UsedBuffer {
        var used: UsedBuffer?
        try wait(for: "a used buffer") {
            used = try queue.takeUsed()
            return used != nil
        }
        return try #require(used)
    }

    func flush() throws -> Answer {
        try send()
        return try receive()[0]
    }

    private func type(_ slot: Int) -> GuestAddress { GuestAddress(requests.rawValue + 16 * UInt64(slot)) }
    private func status(_ slot: Int) -> GuestAddress { GuestAddress(requests.rawValue + 16 * UInt64(slot) + 8) }
}

/// Keeps what the device reports.
private final class EventRecorder: Sendable {
    private let list = Mutex<[PMemEvent]>([])

    var events: [PMemEvent] { list.withLock { $0 } }

    func record(_ event: PMemEvent) { list.withLock { $0.append(event) } }
}
