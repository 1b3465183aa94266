import GuestMemory
import SeededRandom
import Testing
import TestSupport
@testable import Virtio

/// A driver that writes anything anywhere: no call traps, and each round ends.
@Suite struct QueueFuzzTests {
    @Test(arguments: RingLayout.allCases, Seeds.usually(0...3)) func anyRingContent(_ layout: RingLayout, seed: UInt64)
        throws
    {
        var random = SeededGenerator(seed: seed)
        let ram = try GuestRAM(byteCount: 64 << 10)
        for _ in 0..<500 {
            let size: UInt16 =
                layout == .split ? 1 << UInt16.random(in: 0...5, using: &random) : .random(in: 1...40, using: &random)
            let features = layout.features(eventIndex: .random(using: &random), indirect: .random(using: &random))
            var queue = activation(size: size, ram, &random).makeQueue(features: features)
            try scribble(over: ram, words: 128, &random)
            for _ in 0..<4 {
                try scribble(over: ram, words: 8, &random)
                drive(&queue, in: ram.map, size: size)
            }
        }
    }

    /// Mostly inside memory, some misplaced.
    private func activation(size: UInt16, _ ram: GuestRAM, _ random: inout SeededGenerator) -> QueueActivation {
        func area() -> GuestAddress {
            if Int.random(in: 0..<10, using: &random) == 0 {
                return GuestAddress(.random(in: 0 ... .max, using: &random))
            }
            return GuestAddress(ram.range.start.rawValue + 16 * .random(in: 0..<32, using: &random))
        }
        return QueueActivation(
            size: size, descriptorArea: area(), driverArea: area(), deviceArea: area(), interrupt: NoInterrupt())
    }

    /// Small numbers are likely, so that indices and flags often mean something.
    private func scribble(over ram: GuestRAM, words: Int, _ random: inout SeededGenerator) throws {
        let first: UInt64 = .random(in: 0...UInt64(128 - words), using: &random)
        for index in 0..<UInt64(words) {
            let word: UInt64 =
                switch UInt8.random(in: 0..<4, using: &random) {
                case 0: random.next()
                case 1: ram.range.start.rawValue + .random(in: 0..<1024, using: &random)
                case 2: .random(in: 0..<8, using: &random) << (16 * .random(in: 0..<4, using: &random))
                default: 0x0001_0002_0000_0010 &* .random(in: 0..<4, using: &random)
                }
            try ram.map.store(word, at: GuestAddress(ram.range.start.rawValue + 8 * (first + index)))
        }
    }

    private func drive(_ queue: inout any Virtqueue, in memory: MemoryMap, size: UInt16) {
        do throws(QueueError) {
            let horizon = try queue.publishedHorizon(in: memory)
            var count = 0
            while let buffer = try queue.pop(upTo: horizon, in: memory) {
                count += 1
                switch buffer {
                case .chain(let chain):
                    #expect(chain.descriptors.count <= Int(size))
                    try queue.push(chain.token, writtenByteCount: 4, in: memory)
                case .malformed(let token, _):
                    try queue.push(token, writtenByteCount: 0, in: memory)
                }
            }
            #expect(count <= Int(size))
            _ = try queue.publish(in: memory)
            _ = try queue.requestNotification(in: memory)
        } catch {}
    }
}
