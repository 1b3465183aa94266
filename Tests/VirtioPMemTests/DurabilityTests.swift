import Backend
import Glibc
import GuestMemory
import Host
import Options
import Testing
import TestSupport
@testable import VirtioPMem

/// What a flush may claim.
@Suite struct DurabilityTests {
    @Test func aFailedSyncFailsItsWholeBatch() throws {
        let harness = try Harness()
        harness.backend.fail(with: EIO)
        try harness.send(5)
        #expect(try harness.receive(5) == Array(repeating: .failure, count: 5))
        #expect(harness.durability.figures.statistics.failureCount == 5)
    }

    /// The kernel forgets what it could not write, so its next "success" says nothing.
    @Test(arguments: [EIO, ENOSPC, EDQUOT]) func aFailedSyncStaysFailed(errno: CInt) throws {
        let harness = try Harness()
        #expect(try harness.flush() == .success)
        harness.backend.fail(with: errno)
        #expect(try harness.flush() == .failure)
        harness.backend.fail(with: nil)
        #expect(try harness.flush() == .failure)
        try harness.restart()
        #expect(try harness.flush() == .failure)
        let failure = try #require(harness.durability.latch.failure)
        #expect(failure.errno.rawValue == errno)
        #expect(harness.events == [.syncFailed(failure)])
        #expect(harness.backend.startedCount == 2)
        harness.durability.latch.clear()
        #expect(try harness.flush() == .success)
        #expect(harness.durability.latch.failure == nil)
    }

    /// A reboot or a device that is plugged in anew makes a new device around the same backend.
    @Test(arguments: [EIO, ENOSPC, EDQUOT]) func aFailureOutlivesTheDevice(errno: CInt) throws {
        let first = try Harness()
        first.backend.fail(with: errno)
        #expect(try first.flush() == .failure)
        first.backend.fail(with: nil)
        let second = try Harness(backend: first.backend, durability: first.durability)
        #expect(try second.flush() == .failure)
        #expect(second.events == [])
        #expect(throws: SystemCallError.self) { try first.durability.synchronize() }
        #expect(first.backend.startedCount == 1)
        let forgotten = first.durability.latch.clear()
        #expect(forgotten?.errno.rawValue == errno)
        #expect(first.durability.latch.clear() == nil)
        #expect(try second.flush() == .success)
        #expect(first.durability.figures.statistics.failureCount == 2)
    }

    /// The last sync of an unplugged device counts like any other.
    @Test func aFailureAtTheEndStaysToo() throws {
        let harness = try Harness()
        harness.backend.fail(with: EIO)
        #expect(throws: SystemCallError.self) { try harness.durability.synchronize() }
        harness.backend.fail(with: nil)
        #expect(try harness.flush() == .failure)
    }

    struct Rule: CustomTestStringConvertible {
        let testDescription: String
        var reachesFile = true
        var isReadOnly = false
        var policy = FlushPolicy.syncBackend
        let answer: Harness.Answer
        let syncCount: Int
        var events: [PMemEvent] = []
    }

    @Test(arguments: [
        Rule(testDescription: "shared file", answer: .success, syncCount: 3),
        Rule(testDescription: "private", reachesFile: false, answer: .failure, syncCount: 0, events: [.notDurable]),
        Rule(
            testDescription: "private, to be thrown away", reachesFile: false, policy: .discardOnPowerOff,
            answer: .success, syncCount: 0),
        Rule(testDescription: "read-only", reachesFile: false, isReadOnly: true, answer: .success, syncCount: 0),
        Rule(
            testDescription: "shared file, to be thrown away", policy: .discardOnPowerOff, answer: .success,
            syncCount: 0),
    ]) func whatAFlushClaims(_ rule: Rule) throws {
        let harness = try Harness(
            backend: FakeBackend(reachesFile: rule.reachesFile, readOnly: rule.isReadOnly), policy: rule.policy)
        for _ in 0..<3 { #expect(try harness.flush() == rule.answer) }
        #expect(harness.backend.startedCount == rule.syncCount)
        #expect(harness.events == rule.events)
    }

    @Test func requestsThatMakeNoSenseCostNoSync() throws {
        let harness = try Harness()
        let field = try harness.ram.allocate(16)
        try harness.map.store(UInt32(9), at: field)
        for _ in 0..<20 {
            _ = try harness.queue.add([.readable(field, 4)])
            if try harness.queue.publish() { harness.ring() }
            _ = try harness.receiveUsed()
        }
        #expect(harness.backend.startedCount == 0)
        #expect(harness.durability.figures.statistics.malformedCount == 20)
        #expect(harness.durability.figures.statistics.flushCount == 0)
        // One line in the log, however many there are.
        #expect(harness.events == [.queue(.malformedRequest(.unknownType(9)))])
    }

    /// In a power-cut test the end of a device or machine is no flush; a failed flush stays one.
    @Test func theEndOfAPowerCutTestWritesNothing() throws {
        let path = "/var/tmp/needletail-durability-\(UInt64.random(in: 0 ... .max))"
        defer { try? unlinkFile(path) }
        var options = FileBackendOptions(id: "m", byteCount: 2 << 20, path: path)
        (options.isShared, options.durability) = (true, .powerCutTest)
        let backend = try FileBackend(options)
        let durability = Durability(of: backend)
        var map = MemoryMap()
        let range = try #require(GuestRange(start: GuestAddress(0), byteCount: backend.byteCount))
        try map.insert(
            try #require(MemoryRegion(range: range, mapping: backend.mapping, purpose: .persistentMemory("m"))))
        try map.store(UInt8(7), at: GuestAddress(0))
        try durability.synchronize()
        #expect(backend.powerCutTest?.unflushedPageCount == 1)
        #expect(durability.flush { _ in })
        #expect(backend.powerCutTest?.unflushedPageCount == 0)
        try map.store(UInt8(8), at: GuestAddress(4096))
        try OwnedDescriptor(opening: path, access: .readWrite).resize(to: 0)
        #expect(!durability.flush { _ in })
        #expect(throws: SystemCallError.self) { try durability.synchronize() }
    }
}
