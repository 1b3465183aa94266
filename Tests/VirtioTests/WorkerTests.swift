import GuestMemory
import Host
import Synchronization
import Testing
import TestSupport
@testable import Virtio

/// What a worker promises every handler.
@Suite struct WorkerTests {
    /// What a handler was asked for, and what it is to do next.
    private final class Script: Sendable {
        struct State {
            var outstanding = 0
            var largestBatch = 0
            var workCount = 0
            /// How many requests each call of `work` lets go.
            var allowance = 0
            var onWork: @Sendable () -> Void = {}
        }

        let state = Mutex(State())
    }

    private struct ScriptedHandler: QueueHandler {
        let script: Script

        mutating func take(_ chain: DescriptorChain, in memory: MemoryMap) -> RequestError? {
            script.state.withLock { $0.outstanding += 1 }
            return nil
        }

        mutating func chainWasMalformed() {}

        mutating func work(_ wait: QueueWait) -> Int {
            let (done, hook) = script.state.withLock { state in
                state.workCount += 1
                state.largestBatch = max(state.largestBatch, state.outstanding)
                return (min(state.allowance, state.outstanding), state.onWork)
            }
            hook()
            if done == 0 { wait.pause(nanoseconds: 1_000_000) }
            return done
        }

        mutating func answer(in memory: MemoryMap) throws(RequestError) -> UInt32 {
            script.state.withLock { $0.outstanding -= 1 }
            return 0
        }
    }

    private final class WorkerDevice: VirtioDevice {
        let traits = DeviceTraits(deviceID: 42, maximumQueueSizes: [8])
        let worker: QueueWorker
        var doorbells: [EventFD] { [worker.doorbell] }

        init(_ script: Script) throws {
            worker = try QueueWorker(name: "scripted", onEvent: { _ in }) { ScriptedHandler(script: script) }
        }

        func configuration(acceptedFeatures: UInt64) -> [UInt8] { [] }
        func writeConfiguration(_ value: UInt64, byteCount: Int, at offset: Int) {}
        func activate(_ activation: Activation) throws { try worker.start(activation, queue: 0) }
        func deactivate(_ completion: @escaping @Sendable () -> Void) { worker.stop(completion) }
    }

    private func start(_ script: Script) throws -> (EmbeddedTransport, SplitDriverQueue, GuestRAM) {
        let ram = try GuestRAM()
        let transport = EmbeddedTransport(device: try WorkerDevice(script), memory: ram.memory)
        let queue = try SplitDriverQueue(ram, size: 8)
        transport.start(accepting: Feature.version1, queues: [queue.embedded])
        return (transport, queue, ram)
    }

    private func reset(_ transport: EmbeddedTransport) throws {
        transport.core.writeStatus(0)
        try wait(for: "the reset") { transport.core.status == [] }
    }

    /// A driver that makes the same buffer available again and again, while the handler waits, costs no host memory.
    @Test func noMoreBuffersThanTheQueueHas() throws {
        let script = Script()
        var (transport, queue, ram) = try start(script)
        try queue.writeDescriptor(0, address: ram.range.start, byteCount: 4, flags: 0)
        for _ in 0..<2 {
            for _ in 0..<8 { try queue.makeAvailable(0) }
            _ = try queue.publish()
            let seen = script.state.withLock { $0.workCount }
            transport.core.notifyQueue(0)
            try wait(for: "some rounds") { script.state.withLock { $0.workCount } > seen + 3 }
        }
        #expect(script.state.withLock { $0.largestBatch } == 8)
        try queue.makeAvailable(0)
        _ = try queue.publish()
        try wait(for: "DEVICE_NEEDS_RESET") { transport.core.status.contains(.needsReset) }
        try reset(transport)
    }

    /// Requests that are left over are worked on again without another notification, the oldest first.
    @Test func someOfABatchCanBeAnswered() throws {
        let script = Script()
        script.state.withLock { $0.allowance = 2 }
        var (transport, queue, ram) = try start(script)
        let sent = try (0..<5).map { _ in try queue.add([.writable(ram.range.start, 4)]) }
        if try queue.publish() { transport.core.notifyQueue(0) }
        var returned: [UInt16] = []
        try wait(for: "all buffers") {
            while let used = try queue.takeUsed() { returned.append(used.id) }
            return returned.count == 5
        }
        #expect(returned == sent)
        #expect(script.state.withLock { $0.workCount } == 3)
        try reset(transport)
    }

    /// Memory that is unplugged while a handler works is let go at once.
    @Test func noMemoryIsHeldDuringWork() throws {
        let script = Script()
        var (transport, queue, ram) = try start(script)
        let range = try #require(GuestRange(start: GuestAddress(0x8000_0000), byteCount: 4096))
        weak var mapping: HostMapping?
        try {
            let plugged = try HostMapping(.anonymous(reserve: false), byteCount: 4096)
            mapping = plugged
            let region = try #require(MemoryRegion(range: range, mapping: plugged, purpose: .persistentMemory("m")))
            try ram.memory.update { (map) throws(GuestMemoryError) in try map.insert(region) }
        }()
        let isInside = ConditionLock(false)
        let mayLeave = ConditionLock(false)
        script.state.withLock { state in
            state.allowance = 1
            state.onWork = {
                isInside.withLock { $0 = true }
                mayLeave.wait(while: { !$0 }, then: { _ in })
            }
        }
        _ = try queue.add([.writable(range.start, 4)])
        if try queue.publish() { transport.core.notifyQueue(0) }
        isInside.wait(while: { !$0 }, then: { _ in })
        #expect(mapping != nil)
        try ram.memory.update { (map) throws(GuestMemoryError) in _ = map.remove(range) }
        #expect(mapping == nil)
        mayLeave.withLock { $0 = true }
        try wait(for: "the buffer") { try queue.takeUsed() != nil }
        try reset(transport)
    }
}
