import Foundation
import PCI
import Synchronization
import Testing

@Suite struct FunctionTests {
    private let changes = Recorder<BARMapping>()

    private func function() throws -> Function {
        let function = try Function(
            testIdentity,
            bars: [
                BaseAddressRegister(index: 0, byteCount: 0x1000, width: .bits32, contents: Scratch()),
                BaseAddressRegister(index: 2, byteCount: 0x4000, width: .bits64, contents: Scratch()),
            ])
        function.observeMappings { [changes] in changes.append($0) }
        return function
    }

    @Test func decodingIsReported() throws {
        let function = try function()
        function.store(0xfe00_0000, 0x10, 4)
        function.store(0x0000_4000, 0x18, 4)
        function.store(0x0000_0080, 0x1c, 4)
        #expect(changes.take() == [], "nothing is decoded yet")
        function.store(0x2, 0x04, 2)
        let on = [
            BARMapping(index: 0, address: 0xfe00_0000, byteCount: 0x1000),
            BARMapping(index: 2, address: 0x80_0000_4000, byteCount: 0x4000),
        ]
        #expect(changes.take() == on)
        #expect(function.mappings == on)
        function.store(0x6, 0x04, 2)
        #expect(changes.take() == [], "the bus master bit moves no BAR")
        function.store(0x0, 0x04, 1)
        #expect(changes.take().map(\.address) == [nil, nil])
    }

    @Test func aMoveIsReported() throws {
        let function = try function()
        function.store(0xfe00_0000, 0x10, 4)
        function.store(0x2, 0x04, 2)
        _ = changes.take()
        function.store(0xfd, 0x13, 1)
        #expect(changes.take() == [BARMapping(index: 0, address: 0xfd00_0000, byteCount: 0x1000)])
        function.store(0xfd00_0fff, 0x10, 4)
        #expect(changes.take() == [], "bits below the size do not exist")
        function.store(0, 0x10, 4)
        #expect(changes.take() == [BARMapping(index: 0, address: nil, byteCount: 0x1000)])
    }

    @Test func aMoveWithDecodingOffIsReportedOnce() throws {
        let function = try function()
        function.store(0xfe00_0000, 0x10, 4)
        function.store(0x2, 0x04, 2)
        function.store(0x0, 0x04, 2)
        _ = changes.take()
        function.store(0xffff_ffff, 0x10, 4)
        function.store(0xfd00_0000, 0x10, 4)
        #expect(changes.take() == [])
        function.store(0x2, 0x04, 2)
        #expect(changes.take() == [BARMapping(index: 0, address: 0xfd00_0000, byteCount: 0x1000)])
    }

    @Test func resetTakesEverythingBack() throws {
        let function = try function()
        let device = RecordingDevice()
        function.attach(device)
        function.store(0xfe00_0000, 0x10, 4)
        function.store(0x6, 0x04, 2)
        _ = changes.take()
        function.reset()
        #expect(changes.take() == [BARMapping(index: 0, address: nil, byteCount: 0x1000)])
        #expect(function.load(0x10, 4) == 0)
        #expect(function.load(0x04, 2) == 0)
        #expect(device.events.take() == ["bus master true", "bus master false", "reset"])
    }

    /// Two vCPUs at once: a change is in force when its store returns, and no store carries out the other's changes
    /// without end.
    @Test func aStoreReturnsWhenItsOwnChangeIsInForce() throws {
        let function = try function()
        function.store(0x2, 0x04, 2)
        let inForce = Mutex<[Int: UInt64]>([:])
        let isDone = Atomic(false)
        let reports = Mutex<[pthread_t: Int]>([:])
        function.observeMappings { change in
            reports.withLock { $0[pthread_self(), default: 0] += 1 }
            inForce.withLock { $0[change.index] = change.address }
        }
        let flood = Thread {
            var round: UInt64 = 0
            while !isDone.load(ordering: .relaxed) {
                round += 1
                function.store((round % 2 + 1) << 20, 0x18, 4)
            }
        }
        flood.start()
        for round in UInt64(1)...2000 {
            let before = reports.withLock { $0[pthread_self(), default: 0] }
            function.store(round << 12, 0x10, 4)
            try #require(inForce.withLock { $0[0] } == round << 12)
            // One for each BAR at most.
            try #require(reports.withLock { $0[pthread_self(), default: 0] } - before <= 2)
        }
        isDone.store(true, ordering: .relaxed)
    }

    /// Several vCPUs at once: the last report is the last state, whichever thread delivered it.
    @Test func reportsKeepTheirOrder() async throws {
        let function = try function()
        function.store(0x2, 0x04, 2)
        await withTaskGroup { group in
            for task in 0..<4 {
                group.addTask {
                    for round in 1...500 { function.store(UInt64(task * 500 + round) << 12, 0x10, 4) }
                }
            }
        }
        #expect(changes.take().last == function.mappings.first)
    }
}

final class RecordingDevice: FunctionDevice {
    let events = Recorder<String>()

    func busMasterChanged(to isBusMaster: Bool) { events.append("bus master \(isBusMaster)") }

    func functionWasReset() { events.append("reset") }
}
