import PCI
import Testing

@Suite struct MessageSignalledInterruptsTests {
    private let sink = RecordingSink()
    private let interrupts: MessageSignalledInterrupts
    private let function: Function
    /// Where the capability is.
    private let capability: UInt64

    private let first = InterruptMessage(address: 0xfee0_1000, data: 0x41)

    init() throws {
        interrupts = try MessageSignalledInterrupts(vectorCount: 3, sink: sink)
        let contents = RegisterBlockMap([
            .init(offset: 0, byteCount: UInt64(interrupts.tableByteCount), block: interrupts.table),
            .init(offset: 0x800, byteCount: UInt64(interrupts.pendingBitsByteCount), block: interrupts.pendingBits),
        ])
        function = try Function(
            testIdentity,
            bars: [BaseAddressRegister(index: 0, byteCount: 0x1000, width: .bits32, contents: contents)],
            capabilities: [Capability(identifier: 0x09, body: [2])],
            interrupts: MessageSignalledInterruptsPlacement(
                interrupts: interrupts, bar: 0, tableOffset: 0, pendingBitsOffset: 0x800))
        capability = try #require(function.capabilityList.last).offset
    }

    /// Sets vector 0's message without unmasking it.
    private func program() {
        interrupts.table.store(0xfee0_1000, at: 0, byteCount: 4)
        interrupts.table.store(0, at: 4, byteCount: 4)
        interrupts.table.store(0x41, at: 8, byteCount: 4)
    }

    private func call(_ message: InterruptMessage?) -> [RecordingSink.Call] { [.init(vector: 0, message: message)] }

    @Test func theCapabilityDescribesTheStructures() {
        #expect(function.capabilityList.map(\.identifier) == [0x09, 0x11])
        #expect(function.load(capability + 2, 2) == 2, "three vectors, off, not masked")
        #expect(function.load(capability + 4, 4) == 0)
        #expect(function.load(capability + 8, 4) == 0x800)
        function.store(.max, capability + 2, 2)
        #expect(function.load(capability + 2, 2) == 0xc002, "only enable and mask can be written")
        function.store(.max, capability + 4, 4)
        #expect(function.load(capability + 4, 4) == 0)
    }

    @Test func everyVectorStartsMasked() {
        for vector in 0..<3 { #expect(interrupts.table.load(at: UInt64(vector) * 16 + 12, byteCount: 4) == 1) }
        interrupts.table.store(.max, at: 0, byteCount: 8)
        interrupts.table.store(.max, at: 8, byteCount: 8)
        #expect(interrupts.table.load(at: 0, byteCount: 8) == 0xffff_ffff_ffff_fffc)
        #expect(interrupts.table.load(at: 8, byteCount: 8) == 0x0000_0001_ffff_ffff)
    }

    @Test func maskingInEveryWayIsTold() {
        program()
        #expect(sink.take() == [])
        function.store(0x4, 0x04, 2)
        function.store(0xc000, capability + 2, 2)
        interrupts.table.store(0, at: 12, byteCount: 4)
        #expect(sink.take() == [], "the function mask is on")
        function.store(0x8000, capability + 2, 2)
        #expect(sink.take() == call(first))
        interrupts.table.store(1, at: 12, byteCount: 4)
        #expect(sink.take() == call(nil))
        interrupts.table.store(0, at: 12, byteCount: 4)
        #expect(sink.take() == call(first))
        function.store(0xc0, capability + 3, 1)
        #expect(sink.take() == call(nil))
        function.store(0x80, capability + 3, 1)
        #expect(sink.take() == call(first))
        function.store(0, 0x04, 2)
        #expect(sink.take() == call(nil), "without bus mastering nothing is written to memory")
        function.store(0x4, 0x04, 2)
        #expect(sink.take() == call(first))
        function.store(0, capability + 2, 2)
        #expect(sink.take() == call(nil))
    }

    @Test func onlyChangesAreTold() {
        program()
        function.store(0x4, 0x04, 2)
        function.store(0x8000, capability + 2, 2)
        interrupts.table.store(0, at: 12, byteCount: 4)
        _ = sink.take()
        interrupts.table.store(0, at: 12, byteCount: 4)
        function.store(0x8000, capability + 2, 2)
        interrupts.table.store(0xfee0_1000, at: 0, byteCount: 4)
        #expect(sink.take() == [])
        interrupts.table.store(0x42, at: 8, byteCount: 4)
        #expect(sink.take() == call(InterruptMessage(address: 0xfee0_1000, data: 0x42)))
    }

    @Test func anAccessAcrossTwoVectorsChangesBoth() {
        function.store(0x4, 0x04, 2)
        function.store(0x8000, capability + 2, 2)
        interrupts.table.store(0, at: 12, byteCount: 4)
        interrupts.table.store(0, at: 28, byteCount: 4)
        _ = sink.take()
        interrupts.table.store(0xfee0_0000_0000_0001, at: 12, byteCount: 8)
        #expect(
            sink.take() == [
                .init(vector: 0, message: nil),
                .init(vector: 1, message: InterruptMessage(address: 0xfee0_0000, data: 0)),
            ])
    }

    @Test func resetMasksAndForgets() {
        program()
        function.store(0x4, 0x04, 2)
        function.store(0x8000, capability + 2, 2)
        interrupts.table.store(0, at: 12, byteCount: 4)
        _ = sink.take()
        function.reset()
        #expect(sink.take() == call(nil))
        #expect(interrupts.table.load(at: 0, byteCount: 8) == 0)
        #expect(interrupts.table.load(at: 12, byteCount: 4) == 1)
    }

    @Test func pendingBitsAreTheSinks() {
        sink.setPending([0, 2, 3, 64])
        #expect(interrupts.pendingBits.load(at: 0, byteCount: 8) == 0b101, "there are three vectors")
        #expect(interrupts.pendingBits.load(at: 0, byteCount: 1) == 0b101)
        #expect(interrupts.pendingBits.load(at: 4, byteCount: 4) == 0)
        #expect(interrupts.pendingBits.load(at: 8, byteCount: 8) == 0)
        interrupts.pendingBits.store(.max, at: 0, byteCount: 8)
        #expect(interrupts.pendingBits.load(at: 0, byteCount: 4) == 0b101)
    }

    @Test func manyVectorsHaveManyPendingBits() throws {
        let many = try MessageSignalledInterrupts(vectorCount: 130, sink: sink)
        sink.setPending([0, 63, 64, 129])
        #expect(many.pendingBitsByteCount == 24)
        #expect(many.pendingBits.load(at: 0, byteCount: 8) == 0x8000_0000_0000_0001)
        #expect(many.pendingBits.load(at: 16, byteCount: 8) == 0b10)
        #expect(many.pendingBits.load(at: 7, byteCount: 2) == 0x180)
    }

    @Test(arguments: [0, -1, 2049])
    func impossibleVectorCountsAreRefused(_ count: Int) {
        #expect(throws: ConfigurationError.invalidVectorCount(count)) {
            _ = try MessageSignalledInterrupts(vectorCount: count, sink: sink)
        }
    }
}
