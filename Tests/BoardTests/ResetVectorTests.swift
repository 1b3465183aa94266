import GuestMemory
import Host
import Testing

@testable import Board

@Suite struct ResetVectorTests {
    /// The instructions one by one; end-to-end tests see Linux run them.
    @Test func asksForAReset() throws {
        let mapping = try HostMapping(.anonymous(reserve: false), byteCount: 2 << 20)
        let range = try #require(GuestRange(start: GuestAddress(0), byteCount: 2 << 20))
        var map = MemoryMap()
        try map.insert(try #require(MemoryRegion(range: range, mapping: mapping, purpose: .ram)))
        try ResetVector.write(to: map)
        #expect(
            try map.bytes(at: GuestAddress(0xF_FFF0), count: 10)
                == [0xBA, 0x02, 0x06, 0xB0, PowerRegisters.resetValue, 0xEE, 0xF4, 0xEB, 0xFD, 0])
        #expect(ResetVector.code.count <= 16)
        #expect(BoardLayout.Port.power.lowerBound + UInt16(PowerRegisters.resetOffset) == 0x602)
    }

    @Test func liesBehindTheTables() {
        let tablesEnd = LowMemory.acpiTables.rawValue + LowMemory.acpiByteCount
        #expect(tablesEnd <= ResetVector.address.rawValue)
        #expect(ResetVector.address.rawValue + UInt64(ResetVector.code.count) <= LowMemory.end)
    }
}
