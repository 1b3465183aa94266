import GuestMemory
import PCI
import Testing

@testable import Machine

/// A block that remembers what it was asked.
final class NumberedBlock: RegisterBlock {
    let number: Int

    init(_ number: Int) { self.number = number }

    func load(at offset: UInt64, byteCount: Int) -> UInt64 { UInt64(number) << 32 | offset }
    func store(_ value: UInt64, at offset: UInt64, byteCount: Int) {}
}

/// A range to add to a table that holds 0x1000...0x1fff and the last page of the address space.
struct InsertCase: Sendable {
    let start: UInt64
    let byteCount: UInt64
    let isTaken: Bool
}

/// An access to a table that holds 0x1000...0x1fff, 0x2000...0x2007 and the last page of the address space.
struct LookupCase: Sendable {
    let address: UInt64
    let byteCount: Int
    /// The block and the offset in it; nil when no block answers.
    let expected: (number: Int, offset: UInt64)?
}

@Suite struct AddressTableTests {
    private static let lastPage = UInt64.max - 0xfff

    private static func table(_ blocks: [(number: Int, start: UInt64, byteCount: UInt64)]) -> AddressTable {
        var table = AddressTable()
        for block in blocks {
            let isTaken = table.insert(NumberedBlock(block.number), at: block.start, byteCount: block.byteCount)
            #expect(isTaken)
        }
        return table
    }

    @Test(arguments: [
        InsertCase(start: 0x0, byteCount: 0x1000, isTaken: true),
        InsertCase(start: 0x2000, byteCount: 0x1000, isTaken: true),
        InsertCase(start: 0x1000, byteCount: 0x1000, isTaken: false),
        InsertCase(start: 0xfff, byteCount: 2, isTaken: false),
        InsertCase(start: 0x1fff, byteCount: 1, isTaken: false),
        InsertCase(start: 0x0, byteCount: 0x10000, isTaken: false),
        InsertCase(start: 0x1800, byteCount: 8, isTaken: false),
        InsertCase(start: 0x5000, byteCount: 0, isTaken: false),
        InsertCase(start: 0, byteCount: 0, isTaken: false),
        InsertCase(start: .max, byteCount: 1, isTaken: false),
        InsertCase(start: .max, byteCount: 2, isTaken: false),
        InsertCase(start: 0x3000, byteCount: .max, isTaken: false),
        InsertCase(start: lastPage - 0x1000, byteCount: 0x1000, isTaken: true),
    ])
    func insertion(_ test: InsertCase) {
        var table = Self.table([(1, 0x1000, 0x1000), (2, Self.lastPage, 0x1000)])
        let added = NumberedBlock(3)
        let isTaken = table.insert(added, at: test.start, byteCount: test.byteCount)
        #expect(isTaken == test.isTaken)
        #expect((table.block(at: test.start, byteCount: 1)?.block === added) == test.isTaken)
    }

    @Test(arguments: [
        LookupCase(address: 0x1000, byteCount: 1, expected: (1, 0)),
        LookupCase(address: 0x1ffc, byteCount: 4, expected: (1, 0xffc)),
        LookupCase(address: 0x1fff, byteCount: 1, expected: (1, 0xfff)),
        LookupCase(address: 0x1ffd, byteCount: 4, expected: nil),
        LookupCase(address: 0x0fff, byteCount: 2, expected: nil),
        LookupCase(address: 0x2000, byteCount: 8, expected: (2, 0)),
        LookupCase(address: 0x2004, byteCount: 8, expected: nil),
        LookupCase(address: 0x2008, byteCount: 1, expected: nil),
        LookupCase(address: 0x1000, byteCount: 0, expected: nil),
        LookupCase(address: .max, byteCount: 1, expected: (3, 0xfff)),
        LookupCase(address: .max, byteCount: 2, expected: nil),
        LookupCase(address: .max - 7, byteCount: 8, expected: (3, 0xff8)),
        LookupCase(address: 0, byteCount: 8, expected: nil),
    ])
    func lookup(_ test: LookupCase) {
        // Out of order on purpose.
        let table = Self.table([(2, 0x2000, 8), (3, Self.lastPage, 0x1000), (1, 0x1000, 0x1000)])
        let found = table.block(at: test.address, byteCount: test.byteCount)
        #expect((found?.block as? NumberedBlock)?.number == test.expected?.number)
        #expect(found?.offset == test.expected?.offset)
    }

    @Test func onlyTheBlockItselfIsRemoved() {
        var table = AddressTable()
        let (first, second) = (NumberedBlock(1), NumberedBlock(2))
        _ = table.insert(first, at: 0x1000, byteCount: 0x10)
        table.remove(second, at: 0x1000)
        table.remove(first, at: 0x1008)
        #expect(table.block(at: 0x1000, byteCount: 4)?.block === first)
        table.remove(first, at: 0x1000)
        #expect(table.block(at: 0x1000, byteCount: 4) == nil)
        let isTaken = table.insert(second, at: 0x1000, byteCount: 0x10)
        #expect(isTaken, "its addresses are free")
    }

    @Test func whatIsKeptForMemoryIsNobodyElses() {
        var table = Self.table([(1, 0x1000, 0x1000)])
        let (over, beside) = (table.reserve(at: 0x1fff, byteCount: 2), table.reserve(at: 0x2000, byteCount: 0x1000))
        #expect(!over && beside)
        #expect(table.block(at: 0x2000, byteCount: 4) == nil, "the kernel answers there")
        let (again, block) = (
            table.reserve(at: 0x2800, byteCount: 1), table.insert(NumberedBlock(2), at: 0x2ff8, byteCount: 16)
        )
        #expect(!again && !block)
        table.release(at: 0x1000)
        #expect(table.block(at: 0x1000, byteCount: 4) != nil, "a block is not given up like memory")
        table.release(at: 0x2000)
        let afterwards = table.insert(NumberedBlock(2), at: 0x2ff8, byteCount: 16)
        #expect(afterwards)
    }

    @Test func whereNobodyAnswersAllBitsAreSet() throws {
        let dispatch = AddressDispatch(GuestAddressSpace(), try ControlEvents())
        let inserted = dispatch.updatePorts { $0.insert(NumberedBlock(5), at: 0x60, byteCount: 1) }
        #expect(inserted)
        #expect(dispatch.loadPort(0x60, byteCount: 1) == 5 << 32)
        #expect(dispatch.loadPort(0x60, byteCount: 2) == .max)
        #expect(dispatch.loadPort(0x61, byteCount: 1) == .max)
        #expect(dispatch.loadMemory(at: 0x60, byteCount: 1) == .max, "ports and memory are two spaces")
        #expect(dispatch.storePort(1, 0xffff, byteCount: 4), "nothing to wait for")
        #expect(dispatch.storeMemory(1, at: .max, byteCount: 8), "nothing to wait for")
    }
}
