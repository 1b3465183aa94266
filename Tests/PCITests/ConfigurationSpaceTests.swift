import PCI
import Testing

/// A kind of BAR, and what its registers answer after all ones were stored.
struct SizingCase: Sendable, CustomTestStringConvertible {
    let width: BaseAddressRegister.Width
    let isPrefetchable: Bool
    let byteCount: UInt64
    let low: UInt64
    let high: UInt64

    var testDescription: String { "\(width) \(isPrefetchable ? "prefetchable" : "") \(byteCount)" }
}

struct BadBAR: Sendable {
    let index: Int
    let byteCount: UInt64
    let width: BaseAddressRegister.Width
}

@Suite struct ConfigurationSpaceTests {
    @Test func theHeaderSaysWhatTheFunctionIs() throws {
        let function = try Function(testIdentity)
        #expect(function.load(0x00, 4) == 0x105b_1af4)
        #expect(function.load(0x08, 4) == 0x00ff_0001)
        #expect(function.load(0x2c, 4) == 0x1100_1af4)
        #expect(function.load(0x0e, 1) == 0, "type 0, one function")
        #expect(function.load(0x3d, 1) == 0, "no interrupt pin")
        #expect(function.load(0x06, 2) == 0, "no capabilities")
        #expect(function.load(0x100, 4) == 0, "no extended capabilities")
        #expect(function.load(0x1000, 4) == 0xffff_ffff)
        #expect(function.load(0xffe, 4) == 0xffff_0000, "half of it lies behind the end")
        #expect(function.load(.max, 4) == 0xff)
    }

    @Test func onlyTheCommandBitsThatMeanSomethingStay() throws {
        let function = try Function(testIdentity)
        function.store(.max, 0x04, 2)
        #expect(function.load(0x04, 2) == 0x0406)
        for offset in stride(from: UInt64(0), to: 0x1000, by: 4) where offset != 4 && offset != 0x0c && offset != 0x3c {
            let before = function.load(offset, 4)
            function.store(.max, offset, 4)
            #expect(function.load(offset, 4) == before, "register \(offset)")
        }
    }

    @Test(arguments: [
        SizingCase(width: .bits32, isPrefetchable: false, byteCount: 16, low: 0xffff_fff0, high: 0),
        SizingCase(width: .bits32, isPrefetchable: false, byteCount: 0x4000, low: 0xffff_c000, high: 0),
        SizingCase(width: .bits32, isPrefetchable: true, byteCount: 0x1000, low: 0xffff_f008, high: 0),
        SizingCase(width: .bits32, isPrefetchable: false, byteCount: 1 << 31, low: 0x8000_0000, high: 0),
        SizingCase(width: .bits64, isPrefetchable: false, byteCount: 0x4000, low: 0xffff_c004, high: 0xffff_ffff),
        SizingCase(width: .bits64, isPrefetchable: true, byteCount: 1 << 32, low: 0x0000_000c, high: 0xffff_ffff),
        SizingCase(width: .bits64, isPrefetchable: true, byteCount: 1 << 38, low: 0x0000_000c, high: 0xffff_ffc0),
    ])
    func allOnesAnswersTheSize(_ kind: SizingCase) throws {
        let bar = try BaseAddressRegister(
            index: 2, byteCount: kind.byteCount, width: kind.width, isPrefetchable: kind.isPrefetchable, contents: nil)
        let function = try Function(testIdentity, bars: [bar])
        let before = function.load(0x18, 4)
        function.store(0xffff_ffff, 0x18, 4)
        function.store(0xffff_ffff, 0x1c, 4)
        #expect(function.load(0x18, 4) == kind.low)
        #expect(function.load(0x1c, 4) == kind.high)
        function.store(before, 0x18, 4)
        function.store(0, 0x1c, 4)
        #expect(function.load(0x18, 4) == before)
        #expect(function.load(0x14, 4) == 0, "the register before it does not exist")
        #expect(function.load(0x20, 4) == 0, "nor the one behind it")
    }

    @Test(arguments: [
        BadBAR(index: 6, byteCount: 4096, width: .bits32), BadBAR(index: -1, byteCount: 4096, width: .bits32),
        BadBAR(index: 5, byteCount: 4096, width: .bits64), BadBAR(index: 0, byteCount: 8, width: .bits32),
        BadBAR(index: 0, byteCount: 3000, width: .bits32), BadBAR(index: 0, byteCount: 1 << 32, width: .bits32),
        BadBAR(index: 0, byteCount: 0, width: .bits64), BadBAR(index: 0, byteCount: 1 << 63, width: .bits64),
    ])
    func impossibleBARsAreRefused(_ bad: BadBAR) {
        #expect(throws: ConfigurationError.invalidBAR(bad.index)) {
            _ = try BaseAddressRegister(index: bad.index, byteCount: bad.byteCount, width: bad.width, contents: nil)
        }
    }

    @Test func barsThatShareARegisterAreRefused() throws {
        let wide = try BaseAddressRegister(index: 0, byteCount: 4096, width: .bits64, contents: nil)
        let narrow = try BaseAddressRegister(index: 1, byteCount: 4096, width: .bits32, contents: nil)
        #expect(throws: ConfigurationError.overlappingBAR(1)) { _ = try Function(testIdentity, bars: [narrow, wide]) }
    }

    @Test func capabilitiesAreLinkedInOrder() throws {
        let capabilities = [
            Capability(identifier: 0x09, body: [3, 0xaa]), Capability(identifier: 0x05, body: [1, 2, 3, 4, 5]),
            Capability(identifier: 0x09, body: []),
        ]
        let function = try Function(testIdentity, capabilities: capabilities)
        #expect(function.load(0x06, 2) == 0x10)
        #expect(function.capabilityList.map(\.identifier) == [0x09, 0x05, 0x09])
        #expect(function.capabilityList.map(\.offset) == [0x40, 0x44, 0x4c])
        #expect(function.load(0x42, 2) == 0xaa03)
        function.store(0, 0x34, 1)
        function.store(0, 0x41, 1)
        #expect(function.capabilityList.count == 3, "the list is read-only")
    }

    @Test func capabilitiesThatDoNotFitAreRefused() {
        let large = Capability(identifier: 0x09, body: [UInt8](repeating: 0, count: 62))
        #expect(throws: Never.self) { _ = try Function(testIdentity, capabilities: [large, large, large]) }
        #expect(throws: ConfigurationError.noRoomForCapability(0x05)) {
            _ = try Function(
                testIdentity, capabilities: [large, large, large, Capability(identifier: 0x05, body: [1])])
        }
    }

    @Test func aLiveCapabilityAnswersItself() throws {
        let scratch = Scratch()
        let body = [UInt8](repeating: 0x5a, count: 18)
        let function = try Function(
            testIdentity,
            capabilities: [
                Capability(identifier: 0x09, body: body, live: scratch, liveOffset: 4),
                Capability(identifier: 0x09, body: [0x77, 0x77]),
            ])
        #expect(function.load(0x40, 4) == 0x5a5a_5409, "what comes before it is the capability's own")
        function.store(0x1122_3344, 0x44, 4)
        #expect(function.load(0x44, 4) == 0x1122_3344)
        #expect(scratch.load(at: 0, byteCount: 4) == 0x1122_3344)
        function.store(0x99, 0x51, 1)
        #expect(scratch.load(at: 13, byteCount: 1) == 0x99)
        #expect(function.load(0x54, 4) == 0x7777_0009)
        #expect(function.load(0x52, 4) >> 16 == 0x0009, "an access across the end is cut")
    }
}
