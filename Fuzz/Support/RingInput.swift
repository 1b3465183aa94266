import GuestMemory
import Host
import TestSupport
import Virtio

/// A queue's layout, and a script for a driver that writes what it likes and for the device's worker, step by step.
///
/// The first byte chooses the layout (bit 0 packed, 1 event index, 2 indirect tables, 3 a ring that leaves memory),
/// the second the queue's size. Then operations: see `Operation`.
struct RingInput {
    private static let ramByteCount = 8 << 10
    private static let doorbell = Result { try EventFD() }

    private enum Operation {
        /// Bytes at an offset into memory: two bytes of offset, one of length, the bytes.
        case write
        /// The worker takes what is available.
        case take
        /// It works, and answers as many as the next byte says at the most.
        case answer(Int)
        case reset
    }

    private let ram: GuestRAM
    private let features: UInt64
    private let queue: QueueActivation
    private let watch: RingWatch
    private var script: ArraySlice<UInt8>

    init?(_ bytes: [UInt8]) throws {
        guard bytes.count >= 2 else { return nil }
        let (flags, number) = (bytes[0], bytes[1])
        // Of its own: tests run side by side.
        ram = try GuestRAM(byteCount: Self.ramByteCount)
        let isPacked = flags & 1 != 0
        features =
            Feature.version1 | (isPacked ? Feature.packedRing : 0) | (flags & 2 != 0 ? Feature.eventIndex : 0)
            | (flags & 4 != 0 ? Feature.indirectDescriptors : 0)
        let size: UInt16 = isPacked ? 1 + UInt16(number) % 64 : 1 << UInt16(number % 7)
        let start = ram.range.start.rawValue
        let deviceArea = flags & 8 != 0 ? start + UInt64(Self.ramByteCount) - 8 : start + 0x800
        queue = QueueActivation(
            size: size, descriptorArea: GuestAddress(start), driverArea: GuestAddress(start + 0x400),
            deviceArea: GuestAddress(deviceArea), interrupt: NoInterrupt())
        watch = RingWatch(queue, isPacked: isPacked)
        script = bytes[2...]
    }

    /// - Returns: which promise was broken; nil if none.
    mutating func run() throws -> String? {
        var rounds = try makeRounds()
        var isBroken = false
        while watch.problem == nil, let operation = nextOperation() {
            if case .write = operation {
                try write()
                continue
            }
            let before = try content()
            do throws(QueueError) {
                switch operation {
                case .write: break
                case .take: if !isBroken { try rounds.take() }
                case .answer(let limit):
                    watch.setLimit(limit)
                    if !isBroken { _ = try rounds.finish(rounds.work()) }
                case .reset: break
                }
            } catch { isBroken = true }
            watch.compare(before, try content(), startingAt: ram.range.start)
            if case .reset = operation {
                watch.forgetChains()
                (rounds, isBroken) = (try makeRounds(), false)
            }
        }
        return watch.problem
    }

    private func makeRounds() throws -> QueueRounds {
        QueueRounds(
            WatchedQueue(queue.makeQueue(features: features), watch), size: queue.size, handler: EchoHandler(watch),
            memory: ram.memory, interrupt: queue.interrupt, wait: QueueWait(doorbell: try Self.doorbell.get()),
            onEvent: { _ in })
    }

    private func content() throws -> [UInt8] { try ram.map.bytes(at: ram.range.start, count: Self.ramByteCount) }

    private mutating func nextOperation() -> Operation? {
        guard let byte = script.popFirst() else { return nil }
        switch byte & 7 {
        case 0...3: return .write
        case 4, 5: return .take
        case 6: return .answer(Int(script.popFirst() ?? 0xff))
        default: return .reset
        }
    }

    private mutating func write() throws {
        guard let low = script.popFirst(), let high = script.popFirst(), let length = script.popFirst() else { return }
        let offset = (Int(high) << 8 | Int(low)) % Self.ramByteCount
        let bytes = Array(script.prefix(min(Int(length), Self.ramByteCount - offset)))
        script = script.dropFirst(bytes.count)
        try ram.map.write(bytes, at: GuestAddress(ram.range.start.rawValue + UInt64(offset)))
    }
}

private struct NoInterrupt: InterruptLine {
    func signal() {}
}

/// Reads the beginning of each request and fills the beginning of its answer.
private struct EchoHandler: QueueHandler {
    private let watch: RingWatch
    private var writers: [ChainWriter] = []

    init(_ watch: RingWatch) { self.watch = watch }

    mutating func take(_ chain: DescriptorChain, in memory: MemoryMap) -> RequestError? {
        writers.append(ChainWriter(chain))
        do throws(RequestError) {
            var reader = try ChainReader(chain)
            let _: UInt32 = try reader.load(in: memory)
            _ = try reader.bytes(Int(min(reader.remainingByteCount, 64)), in: memory)
            return nil
        } catch { return error }
    }

    mutating func chainWasMalformed() {}

    mutating func work(_ wait: QueueWait) -> Int { min(writers.count, watch.limit) }

    mutating func answer(in memory: MemoryMap) throws(RequestError) -> UInt32 {
        var writer = writers.removeFirst()
        try writer.store(UInt16(0xabab), in: memory)
        let bytes = [UInt8](repeating: 0xab, count: Int(min(writer.remainingByteCount, 70)))
        try writer.write(bytes.span, in: memory)
        return writer.writtenByteCount
    }
}
