import PCI
import Testing

@Suite struct AddressAssignmentTests {
    private let bus = Bus()
    private let windows: BARWindows

    init() throws {
        windows = BARWindows(
            low: try #require(AddressWindow(start: 0xe000_0800, last: 0xe000_ffff)),
            high: AddressWindow(start: 0x80_0000_0000, last: 0x80_0000_ffff))
    }

    private func function(_ sizes: [(UInt64, BaseAddressRegister.Width)]) throws -> Function {
        var bars: [BaseAddressRegister] = []
        for (position, size) in sizes.enumerated() {
            bars.append(
                try BaseAddressRegister(index: position * 2, byteCount: size.0, width: size.1, contents: nil))
        }
        let function = try Function(testIdentity, bars: bars)
        try bus.insert(function)
        return function
    }

    @Test func everyBARIsNaturallyAlignedInItsWindow() throws {
        let function = try function([(0x1000, .bits32), (0x4000, .bits64), (0x2000, .bits32)])
        try bus.assignAddresses(to: function, in: windows)
        #expect(function.programmedAddresses.map(\.address) == [0xe000_1000, 0x80_0000_0000, 0xe000_2000])
        #expect(function.mappings.allSatisfy { $0.address == nil }, "nothing is decoded before software says so")
    }

    @Test func functionsDoNotOverlap() throws {
        let functions = try (0..<4).map { _ in try function([(0x1000, .bits32), (0x4000, .bits64)]) }
        for function in functions { try bus.assignAddresses(to: function, in: windows) }
        let addresses = functions.flatMap { $0.programmedAddresses.compactMap(\.address) }
        #expect(Set(addresses).count == 8)
        #expect(functions[3].programmedAddresses.map(\.address) == [0xe000_4000, 0x80_0000_c000])
    }

    @Test func a64BitBARGoesBelowWhenAboveIsFull() throws {
        let first = try function([(0x10000, .bits64)])
        let second = try function([(0x4000, .bits64)])
        for function in [first, second] { try bus.assignAddresses(to: function, in: windows) }
        #expect(second.programmedAddresses.map(\.address) == [0xe000_4000])
    }

    @Test func aFullWindowIsAnErrorThatChangesNothing() throws {
        let first = try function([(0x8000, .bits32)])
        let second = try function([(0x8000, .bits32), (0x1000, .bits64)])
        try bus.assignAddresses(to: first, in: windows)
        #expect(throws: AddressSpaceExhausted(bar: 0, byteCount: 0x8000)) {
            try bus.assignAddresses(to: second, in: windows)
        }
        #expect(second.programmedAddresses.map(\.address) == [nil, nil])
        bus.remove(at: 0)
        try bus.assignAddresses(to: second, in: windows)
        #expect(second.programmedAddresses.map(\.address) == [0xe000_8000, 0x80_0000_0000])
    }

    @Test func whatTheGuestMovedIsTaken() throws {
        let first = try function([(0x1000, .bits32)])
        let second = try function([(0x1000, .bits32)])
        try bus.assignAddresses(to: first, in: windows)
        first.setAddress(0xe000_2000, ofBAR: 0)
        try bus.assignAddresses(to: second, in: windows)
        #expect(second.programmedAddresses.map(\.address) == [0xe000_1000])
        first.setAddress(0xffff_f000, ofBAR: 0)
        try bus.assignAddresses(to: second, in: windows)
        #expect(second.programmedAddresses.map(\.address) == [0xe000_1000])
    }

    /// Windows at both ends of the address space.
    @Test func theEndsOfTheAddressSpaceAreSafe() throws {
        let low = try #require(AddressWindow(start: 0, last: 0xfff))
        let function = try function([(0x1000, .bits64)])
        #expect(throws: AddressSpaceExhausted.self) {
            try bus.assignAddresses(to: function, in: BARWindows(low: low, high: nil))
        }
        let high = AddressWindow(start: .max - 0x17ff, last: .max)
        try bus.assignAddresses(to: function, in: BARWindows(low: low, high: high))
        #expect(function.programmedAddresses.map(\.address) == [.max - 0xfff])
        let other = try self.function([(0x1000, .bits64)])
        #expect(throws: AddressSpaceExhausted.self) {
            try bus.assignAddresses(to: other, in: BARWindows(low: low, high: high))
        }
    }
}
