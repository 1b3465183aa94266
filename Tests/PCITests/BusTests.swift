import PCI
import SeededRandom
import Testing

/// An access through the data port: what was selected, the port, its width.
struct PortAccess: Sendable {
    let selected: UInt64
    let offset: UInt64
    let byteCount: Int
    let expected: UInt64
}

@Suite struct BusTests {
    private let bus = Bus()
    private let function: Function
    private let ports: ConfigurationPorts
    private let window: EnhancedConfigurationAccess

    init() throws {
        function = try Function(testIdentity)
        try bus.insert(Function.hostBridge(), at: 0)
        try bus.insert(function, at: 3)
        ports = ConfigurationPorts(bus: bus)
        window = EnhancedConfigurationAccess(bus: bus)
    }

    @Test(arguments: [
        PortAccess(selected: 0x8000_0000, offset: 4, byteCount: 4, expected: 0x0008_1b36),
        PortAccess(selected: 0x8000_1800, offset: 4, byteCount: 4, expected: 0x105b_1af4),
        PortAccess(selected: 0x8000_1800, offset: 6, byteCount: 2, expected: 0x105b),
        PortAccess(selected: 0x8000_1800, offset: 7, byteCount: 1, expected: 0x10),
        PortAccess(selected: 0x8000_1803, offset: 4, byteCount: 2, expected: 0x1af4),
        PortAccess(selected: 0x8000_1800, offset: 6, byteCount: 4, expected: 0xffff_ffff),
        PortAccess(selected: 0x0000_1800, offset: 4, byteCount: 4, expected: 0xffff_ffff),
        PortAccess(selected: 0x8000_1900, offset: 4, byteCount: 4, expected: 0xffff_ffff),
        PortAccess(selected: 0x8000_2000, offset: 4, byteCount: 2, expected: 0xffff),
        PortAccess(selected: 0x8001_1800, offset: 4, byteCount: 4, expected: 0xffff_ffff),
    ])
    func theDataPortReachesWhatIsSelected(_ access: PortAccess) {
        ports.store(access.selected, at: 0, byteCount: 4)
        #expect(ports.load(at: access.offset, byteCount: access.byteCount) == access.expected)
    }

    @Test func theAddressPortIsOnlyThereForFourBytes() {
        let others = Scratch()
        let ports = ConfigurationPorts(bus: bus, others: others)
        ports.store(0x8000_1804, at: 0, byteCount: 4)
        ports.store(0x06, at: 1, byteCount: 1)
        #expect(ports.load(at: 0, byteCount: 4) == 0x8000_1804)
        #expect(others.load(at: 1, byteCount: 1) == 0x06, "the reset register's port")
        #expect(ports.load(at: 1, byteCount: 1) == 0x06)
        #expect(self.ports.load(at: 1, byteCount: 1) == 0xff, "no device is there")
        ports.store(.max, at: 0, byteCount: 4)
        #expect(ports.load(at: 0, byteCount: 4) == 0x80ff_fffc)
    }

    @Test func portsAndWindowReachTheSameRegisters() {
        for slot in [0, 3, 4] as [UInt64] {
            for register in stride(from: UInt64(0), to: 0x100, by: 4) {
                ports.store(0x8000_0000 | slot << 11 | register, at: 0, byteCount: 4)
                let value = ports.load(at: 4, byteCount: 4)
                #expect(window.load(at: slot << 15 | register, byteCount: 4) == value)
            }
        }
        ports.store(0x8000_1804, at: 0, byteCount: 4)
        ports.store(0x0402, at: 4, byteCount: 2)
        #expect(window.load(at: 0x18004, byteCount: 2) == 0x0402)
        window.store(0x00, at: 0x18005, byteCount: 1)
        #expect(function.load(0x04, 2) == 0x0002)
    }

    @Test func theWindowEndsWithBus0() {
        #expect(window.load(at: 0x18000, byteCount: 8) == 0x0000_0000_105b_1af4)
        #expect(window.load(at: 0x18100, byteCount: 4) == 0)
        #expect(window.load(at: 0x19000, byteCount: 4) == 0xffff_ffff, "function 1")
        #expect(window.load(at: 0x118000, byteCount: 4) == 0xffff_ffff, "bus 1")
        #expect(window.load(at: 0x18ffe, byteCount: 4) == 0xffff_ffff)
        #expect(window.load(at: .max, byteCount: 8) == .max)
        window.store(.max, at: 0x118004, byteCount: 4)
        window.store(.max, at: .max, byteCount: 8)
        #expect(function.load(0x04, 2) == 0)
    }

    @Test func slotsAreGivenOutFromTheBottom() throws {
        #expect(try bus.insert(Function(testIdentity)) == 1)
        #expect(try bus.insert(Function(testIdentity)) == 2)
        #expect(try bus.insert(Function(testIdentity)) == 4)
        #expect(bus.remove(at: 2) != nil)
        #expect(bus.remove(at: 2) == nil)
        #expect(try bus.insert(Function(testIdentity)) == 2)
        #expect(bus.functions.map(\.slot) == [0, 1, 2, 3, 4])
    }

    @Test func takenAndMissingSlotsAreRefused() throws {
        #expect(throws: BusError.slotTaken(3)) { try bus.insert(Function(testIdentity), at: 3) }
        #expect(throws: BusError.noSuchSlot(32)) { try bus.insert(Function(testIdentity), at: 32) }
        #expect(throws: BusError.noSuchSlot(-1)) { try bus.insert(Function(testIdentity), at: -1) }
        for _ in 2..<Bus.slotCount { try bus.insert(Function(testIdentity)) }
        #expect(throws: BusError.noFreeSlot) { try bus.insert(Function(testIdentity)) }
        #expect(bus.remove(at: 32) == nil)
    }

    /// Seeded noise through every way in: nothing traps, and the identity stays.
    @Test(arguments: Seeds.usually(1...3))
    func noiseIsHarmless(_ seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<20_000 {
            let value = random.next()
            let byteCount = [1, 2, 4, 8, 3, 0, 16].randomElement(using: &random) ?? 1
            let offset = Bool.random(using: &random) ? random.next() % 0x20000 : random.next()
            switch random.next() % 4 {
            case 0: ports.store(value, at: offset % 16, byteCount: byteCount)
            case 1: _ = ports.load(at: offset % 16, byteCount: byteCount)
            case 2: window.store(value, at: offset, byteCount: byteCount)
            default: _ = window.load(at: offset, byteCount: byteCount)
            }
        }
        #expect(function.load(0x00, 4) == 0x105b_1af4)
    }
}
