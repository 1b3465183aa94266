import PCI
import Testing

/// A store into two registers of 4 bytes, and what they hold afterwards.
struct StoreCase: Sendable, CustomTestStringConvertible {
    let offset: Int
    let byteCount: Int
    let value: UInt64
    let expected: UInt64

    var testDescription: String { "\(byteCount) bytes at \(offset)" }
}

@Suite struct RegisterTableTests {
    /// Bytes 0-3: read-only aa, writable bb, half of cc writable, dd cleared by one. Bytes 4-7 writable.
    private func table() -> RegisterTable {
        var table = RegisterTable(byteCount: 8)
        table.define(at: 0, byteCount: 4, value: 0xddcc_bbaa, writable: 0x000f_ff00, clearedByOne: 0xff00_0000)
        table.define(at: 4, byteCount: 4, value: 0x1122_3344, writable: 0xffff_ffff)
        return table
    }

    @Test(arguments: [
        StoreCase(offset: 0, byteCount: 1, value: 0xff, expected: 0x1122_3344_ddcc_bbaa),
        StoreCase(offset: 1, byteCount: 1, value: 0x77, expected: 0x1122_3344_ddcc_77aa),
        StoreCase(offset: 2, byteCount: 1, value: 0x33, expected: 0x1122_3344_ddc3_bbaa),
        StoreCase(offset: 3, byteCount: 1, value: 0x0d, expected: 0x1122_3344_d0cc_bbaa),
        StoreCase(offset: 3, byteCount: 1, value: 0x00, expected: 0x1122_3344_ddcc_bbaa),
        StoreCase(offset: 0, byteCount: 2, value: 0x1234, expected: 0x1122_3344_ddcc_12aa),
        StoreCase(offset: 2, byteCount: 2, value: 0xffff, expected: 0x1122_3344_00cf_bbaa),
        StoreCase(offset: 0, byteCount: 4, value: 0, expected: 0x1122_3344_ddc0_00aa),
        StoreCase(offset: 0, byteCount: 8, value: .max, expected: 0xffff_ffff_00cf_ffaa),
        StoreCase(offset: 3, byteCount: 2, value: 0x99ff, expected: 0x1122_3399_00cc_bbaa),
        StoreCase(offset: 6, byteCount: 4, value: .max, expected: 0xffff_3344_ddcc_bbaa),
        StoreCase(offset: 8, byteCount: 4, value: .max, expected: 0x1122_3344_ddcc_bbaa),
        StoreCase(offset: -1, byteCount: 4, value: .max, expected: 0x1122_3344_ddcc_bbaa),
        StoreCase(offset: 0, byteCount: 0, value: .max, expected: 0x1122_3344_ddcc_bbaa),
        StoreCase(offset: 0, byteCount: -4, value: .max, expected: 0x1122_3344_ddcc_bbaa),
    ])
    func everyBitFollowsItsRule(_ store: StoreCase) {
        var table = table()
        table.store(store.value, at: store.offset, byteCount: store.byteCount)
        #expect(table.load(at: 0, byteCount: 8) == store.expected)
    }

    @Test func loadsOfEveryWidthSeeTheSameBytes() {
        let table = table()
        let whole = table.load(at: 0, byteCount: 8)
        for offset in 0..<8 {
            for byteCount in 1...8 {
                let expected = lowBytes(whole >> UInt64(offset * 8), byteCount)
                #expect(table.load(at: offset, byteCount: byteCount) == expected)
            }
        }
        #expect(table.load(at: Int.max, byteCount: 8) == 0)
    }
}
