import Board
import PCI
import Synchronization
import Testing

private final class Flag: Sendable {
    let value = Mutex(false)
}

/// A UART with what it causes outside.
private struct Bench {
    let sent = Recorder<UInt8>()
    /// While set, output is interrupted.
    let isStalled = Flag()
    let edges = Recorder<Void>()
    let spaces = Recorder<Void>()
    let uart: UART

    init() {
        uart = UART(
            output: { [sent, isStalled] byte in
                if !isStalled.value.withLock({ $0 }) { sent.append(byte) }
                return !isStalled.value.withLock { $0 }
            }, interrupt: { [edges] in edges.append(()) },
            onSpace: { [spaces] in spaces.append(()) })
    }

    func get(_ register: UInt64) -> UInt8 { UInt8(truncatingIfNeeded: uart.load(at: register, byteCount: 1)) }
    func put(_ value: UInt8, _ register: UInt64) { uart.store(UInt64(value), at: register, byteCount: 1) }
}

private let (data, enable, identity, line, modem, status, modemStatus, scratch):
    (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64) =
        (0, 1, 2, 3, 4, 5, 6, 7)

struct ReadBack: Sendable, CustomTestStringConvertible {
    let name: String
    let writes: [(UInt8, UInt64)]
    let register: UInt64
    let value: UInt8
    init(_ name: String, _ writes: [(UInt8, UInt64)], _ register: UInt64, _ value: UInt8) {
        (self.name, self.writes, self.register, self.value) = (name, writes, register, value)
    }
    var testDescription: String { name }
}

@Suite struct UARTTests {
    @Test(arguments: [
        ReadBack("power-on line status", [], status, 0x60),
        ReadBack("power-on identity", [], identity, 0x01),
        ReadBack("power-on modem status", [], modemStatus, 0xB0),
        ReadBack("scratch", [(0x5A, scratch)], scratch, 0x5A),
        ReadBack("only four interrupt enables", [(0xFF, enable)], enable, 0x0F),
        ReadBack("queues show as 16550A", [(0x01, identity)], identity, 0xC1),
        ReadBack("queues off again", [(0x01, identity), (0, identity)], identity, 0x01),
        ReadBack("no enhanced features register", [(0x01, identity), (0xBF, line)], identity, 0xC1),
        ReadBack("divisor low", [(0x80, line), (0x34, data), (0x12, enable)], data, 0x34),
        ReadBack("divisor high", [(0x80, line), (0x34, data), (0x12, enable)], enable, 0x12),
        ReadBack("divisor hides", [(0x80, line), (0x12, enable), (0x03, line)], enable, 0),
        ReadBack("five modem controls", [(0xFF, modem)], modem, 0x1F),
        ReadBack("loopback test of drivers", [(0x1A, modem)], modemStatus, 0x90),
        ReadBack("loopback of the others", [(0x15, modem)], modemStatus, 0x60),
        ReadBack("loopback data", [(0x10, modem), (0x42, data)], data, 0x42),
        ReadBack("loopback shows input", [(0x10, modem), (0x42, data)], status, 0x61),
        ReadBack("line status cannot be written", [(0, status)], status, 0x60),
        ReadBack("beyond the registers", [(1, 8)], 8, 0xFF),
        ReadBack("far beyond the registers", [(1, .max)], .max, 0xFF),
    ])
    func readsBack(_ row: ReadBack) {
        let bench = Bench()
        for (value, register) in row.writes { bench.put(value, register) }
        #expect(bench.get(row.register) == row.value)
        #expect(bench.sent.all.isEmpty)
    }

    @Test func sends() {
        let bench = Bench()
        for byte in Array("ok\n".utf8) { bench.put(byte, data) }
        #expect(bench.sent.all == Array("ok\n".utf8) && bench.edges.count == 0)
    }

    @Test func wideAccessesAreSeveral() {
        let bench = Bench()
        bench.uart.store(0x1111_0000_0B05, at: modem, byteCount: 2)
        #expect(bench.get(modem) == 0x05)
        bench.put(0x77, scratch)
        #expect(bench.uart.load(at: modemStatus, byteCount: 4) == 0xFFFF_77B0)
    }

    /// Linux asks so at startup, and takes a port that does not interrupt on each enabling for a broken one.
    @Test func enablingTheTransmitterInterruptsEachTime() {
        let bench = Bench()
        for round in 1...2 {
            bench.put(0x02, enable)
            #expect(bench.get(identity) == 0x02)
            #expect(bench.get(identity) == 0x01)
            bench.put(0, enable)
            #expect(bench.edges.count == round)
        }
    }

    @Test func everyByteSentInterruptsOnceItWasAcknowledged() {
        let bench = Bench()
        bench.put(0x02, enable)
        bench.put(0x41, data)
        #expect(bench.edges.count == 1, "the line was up already")
        #expect(bench.get(identity) == 0x02)
        bench.put(0x42, data)
        #expect(bench.edges.count == 2)
    }

    @Test func inputInterruptsAndOutranksOutput() {
        let bench = Bench()
        bench.put(0x01, identity)
        bench.put(0x03, enable)
        #expect(bench.uart.receive([0x31, 0x32]) == 2)
        #expect(bench.get(identity) == 0xC4)
        #expect(bench.get(status) == 0x61)
        #expect(bench.get(data) == 0x31 && bench.get(data) == 0x32)
        #expect(bench.get(status) == 0x60)
        #expect(bench.get(identity) == 0xC2)
        #expect(bench.get(identity) == 0xC1)
    }

    @Test(arguments: [(UInt8(0x01), 1), (0x41, 4), (0x81, 8), (0xC1, 14)])
    func belowTheTriggerLevelInputIsATimeout(_ control: UInt8, _ level: Int) {
        let bench = Bench()
        bench.put(control, identity)
        bench.put(0x01, enable)
        #expect(bench.uart.receive([UInt8](repeating: 7, count: level)) == level)
        #expect(bench.get(identity) == 0xC4)
        _ = bench.get(data)
        #expect(bench.get(identity) == (level == 1 ? 0xC1 : 0xCC))
    }

    @Test func inputBeforeTheDriverWaits() {
        let bench = Bench()
        #expect(bench.uart.receive([0x31, 0x32]) == 1, "without queues there is space for one byte")
        #expect(bench.edges.count == 0)
        bench.put(0x01, enable)
        #expect(bench.edges.count == 1 && bench.get(identity) == 0x04)
    }

    @Test func fullQueueAsksForMoreWhenItIsEmpty() {
        let bench = Bench()
        bench.put(0x01, identity)
        #expect(bench.uart.receive([UInt8](repeating: 7, count: 20)) == 16)
        #expect(bench.uart.receive([8]) == 0)
        for _ in 0..<15 { _ = bench.get(data) }
        #expect(bench.spaces.count == 0)
        _ = bench.get(data)
        #expect(bench.spaces.count == 1)
        #expect(bench.uart.receive([8]) == 1)
        _ = bench.get(data)
        #expect(bench.spaces.count == 1, "no input was refused")
        #expect(bench.get(data) == 0)
    }

    @Test func inputRefusedInLoopbackIsAskedForAfterwards() {
        let bench = Bench()
        bench.put(0x10, modem)
        #expect(bench.uart.receive([1]) == 0)
        bench.put(0x0B, modem)
        #expect(bench.spaces.count == 1)
    }

    @Test(arguments: [UInt8(0x00), 0x03])
    func clearingTheQueueDropsInput(_ control: UInt8) {
        let bench = Bench()
        bench.put(0x01, identity)
        #expect(bench.uart.receive([1, 2, 3]) == 3)
        bench.put(control, identity)
        #expect(bench.get(status) == 0x60)
    }

    @Test func laterInputRepeatsTheEdge() {
        let bench = Bench()
        bench.put(0x01, identity)
        bench.put(0x01, enable)
        #expect(bench.uart.receive([1]) == 1 && bench.uart.receive([2]) == 1)
        #expect(bench.edges.count == 2)
    }

    @Test("a byte whose sending is interrupted has not been stored") func interruptedOutput() {
        let bench = Bench()
        bench.put(0x02, enable)
        _ = bench.get(identity)
        let before = bench.edges.count
        bench.isStalled.value.withLock { $0 = true }
        #expect(!bench.uart.attemptStore(0x41, at: data, byteCount: 1))
        #expect(bench.edges.count == before && bench.get(identity) == 0x01, "the transmitter has nothing to tell")
        #expect(bench.uart.attemptStore(0x5A, at: scratch, byteCount: 1), "other registers wait for nothing")
        bench.isStalled.value.withLock { $0 = false }
        #expect(bench.uart.attemptStore(0x41, at: data, byteCount: 1))
        #expect(bench.sent.all == [0x41])
        #expect(bench.edges.count == before + 1 && bench.get(identity) == 0x02)
    }

    @Test func loopbackOverrunsQuietly() {
        let bench = Bench()
        bench.put(0x10, modem)
        for value in 0..<UInt8(40) { bench.put(value, data) }
        #expect(bench.get(data) == 0)
        #expect(bench.sent.all.isEmpty)
    }

    /// A break is a byte of zeroes whose line status says so, once; it interrupts as a line status, or as input.
    @Test(arguments: [(enabled: UInt8(0x04), identity: UInt8(0x06)), (enabled: 0x01, identity: 0x04)])
    func aBreak(_ row: (enabled: UInt8, identity: UInt8)) {
        let bench = Bench()
        bench.put(row.enabled, enable)
        bench.uart.receiveBreak()
        #expect(bench.edges.count == 1)
        #expect(bench.get(identity) == row.identity)
        #expect(bench.get(status) == 0x71 && bench.get(status) == 0x61)
        #expect(bench.get(data) == 0 && bench.get(status) == 0x60)
        #expect(bench.get(identity) == 0x01)
    }
}
