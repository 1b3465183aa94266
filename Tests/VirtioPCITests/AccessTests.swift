import PCI
import SeededRandom
import Testing
import Virtio

/// A store into the common configuration, and what a register reads afterwards.
struct CommonCase: Sendable {
    let offset: UInt64
    let byteCount: Int
    let value: UInt64
    let register: UInt64
    let width: Int
    let expected: UInt64
}

@Suite struct AccessTests {
    @Test(arguments: [
        CommonCase(offset: 0x00, byteCount: 4, value: 1, register: 0x00, width: 4, expected: 1),
        CommonCase(offset: 0x00, byteCount: 2, value: 1, register: 0x00, width: 4, expected: 0),
        CommonCase(offset: 0x00, byteCount: 8, value: 1, register: 0x00, width: 8, expected: 0x1_0000_0001),
        CommonCase(offset: 0x16, byteCount: 2, value: 1, register: 0x18, width: 2, expected: 64),
        CommonCase(offset: 0x16, byteCount: 2, value: 1, register: 0x1e, width: 2, expected: 1),
        CommonCase(offset: 0x16, byteCount: 2, value: 2, register: 0x18, width: 2, expected: 0),
        CommonCase(offset: 0x16, byteCount: 2, value: 2, register: 0x1e, width: 2, expected: 0),
        CommonCase(offset: 0x16, byteCount: 1, value: 1, register: 0x16, width: 2, expected: 0),
        CommonCase(offset: 0x16, byteCount: 2, value: 1, register: 0x14, width: 4, expected: 0x1_000b),
        CommonCase(offset: 0x16, byteCount: 2, value: 1, register: 0x17, width: 2, expected: 0x4000),
        CommonCase(offset: 0x20, byteCount: 4, value: 0x1122_3340, register: 0x20, width: 8, expected: 0x1122_3340),
        CommonCase(offset: 0x24, byteCount: 4, value: 0x55, register: 0x20, width: 8, expected: 0x55_0000_0000),
        CommonCase(offset: 0x28, byteCount: 8, value: 0x66_0000_1000, register: 0x2c, width: 4, expected: 0x66),
        CommonCase(offset: 0x30, byteCount: 2, value: 0xffff, register: 0x30, width: 8, expected: 0),
        CommonCase(offset: 0x34, byteCount: 4, value: 0x77, register: 0x34, width: 1, expected: 0x77),
        CommonCase(offset: 0x12, byteCount: 2, value: 9, register: 0x12, width: 2, expected: 2),
        CommonCase(offset: 0x38, byteCount: 8, value: .max, register: 0x38, width: 8, expected: 0),
        CommonCase(offset: 0x40, byteCount: 4, value: .max, register: 0x40, width: 4, expected: 0),
        CommonCase(offset: 0x3e, byteCount: 4, value: .max, register: 0x3e, width: 4, expected: 0),
    ])
    func commonConfiguration(_ access: CommonCase) throws {
        let guest = try GuestView()
        guest.enable()
        for status in [1, 3] as [UInt64] { guest.write(guest.common + 0x14, status, 1) }
        guest.write(guest.common + 0x08, 1, 4)
        guest.write(guest.common + 0x0c, 1, 4)
        guest.write(guest.common + 0x14, 0xb, 1)
        guest.write(guest.common + access.offset, access.value, access.byteCount)
        #expect(guest.read(guest.common + access.register, access.width) == access.expected)
    }

    @Test func deviceConfigurationHasEveryWidth() throws {
        let guest = try GuestView()
        guest.enable()
        let structure = guest.deviceStructure
        #expect(guest.read(structure, 1) == 0x01)
        #expect(guest.read(structure + 1, 2) == 0x0302)
        #expect(guest.read(structure, 4) == 0x0403_0201)
        #expect(guest.read(structure, 8) == 0x0807_0605_0403_0201)
        #expect(guest.read(structure + 8, 4) == 0x0a09, "what is behind the end reads as zero")
        #expect(guest.read(structure + 0xfff, 8) == 0)
        let generation = guest.read(guest.common + 0x15, 1)
        guest.write(structure + 2, 0xbbaa, 2)
        #expect(guest.read(structure, 4) == 0xbbaa_0201)
        #expect(guest.read(guest.common + 0x15, 1) != generation)
        guest.write(structure + 8, 0x1122_3344, 4)
        #expect(guest.read(structure + 8, 2) == 0x0a09, "a store across the end is dropped")
    }

    @Test func configurationSpaceReachesTheStructures() throws {
        let guest = try GuestView()
        let window = try #require(guest.virtioCapabilities.first { $0.kind == 5 }).offset
        func select(_ bar: UInt64, _ offset: UInt64, _ length: UInt64) {
            guest.writeConfiguration(window + 4, bar, 1)
            guest.writeConfiguration(window + 8, offset, 4)
            guest.writeConfiguration(window + 12, length, 4)
        }
        // Neither memory decoding nor an address is needed.
        select(2, 0x14, 1)
        guest.writeConfiguration(window + 16, 1, 4)
        #expect(guest.transport.core.status == .acknowledge)
        #expect(guest.readConfiguration(window + 16, 4) == 1)
        select(2, 0x12, 2)
        #expect(guest.readConfiguration(window + 16, 4) == 2)
        select(2, 0x2004, 4)
        #expect(guest.readConfiguration(window + 16, 4) == 0x0807_0605)
        #expect(guest.readConfiguration(window + 17, 1) == 0x06)
        #expect(guest.readConfiguration(window + 8, 4) == 0x2004)
        guest.writeConfiguration(window + 16, 0x4433_2211, 4)
        #expect(Array(guest.device.configuration(acceptedFeatures: 0)[4..<8]) == [0x11, 0x22, 0x33, 0x44])
        select(0, 0, 4)
        guest.writeConfiguration(window + 16, 0xfee0_0000, 4)
        #expect(guest.readConfiguration(window + 16, 4) == 0xfee0_0000)
        let before = guest.device.configuration(acceptedFeatures: 0)
        let impossible: [(UInt64, UInt64, UInt64)] = [
            (2, 0x2000, 3), (2, 0x2000, 0), (2, 0x2000, 8), (2, 0x2001, 2), (2, 0x2002, 4), (3, 0x2000, 4),
            (0xff, 0x2000, 4), (2, 0xffff_fffc, 4), (2, 0x2000, 0xffff_ffff),
        ]
        for (bar, offset, length) in impossible {
            select(bar, offset, length)
            guest.writeConfiguration(window + 16, 0x5a5a_5a5a, 4)
        }
        #expect(guest.device.configuration(acceptedFeatures: 0) == before, "impossible selections do nothing")
    }

    @Test func barsMoveWithWhatIsInThem() throws {
        let guest = try GuestView()
        guest.enable()
        guest.start()
        let old = guest.common
        guest.writeConfiguration(0x04, 0x4, 2)
        #expect(guest.read(old + 0x14, 1) == 0xff, "nothing is decoded")
        guest.writeConfiguration(0x18, 0xe080_0000, 4)
        guest.writeConfiguration(0x04, 0x6, 2)
        #expect(guest.common == 0xe080_0000)
        #expect(guest.status == 0xf, "the device went on running")
        #expect(guest.read(old + 0x14, 1) == 0xff)
        #expect(guest.device.deactivationCount == 0)
    }

    @Test func withoutBusMasteringTheDeviceStops() throws {
        let guest = try GuestView()
        guest.enable()
        guest.start()
        guest.writeConfiguration(0x04, 0x2, 2)
        #expect(guest.device.deactivationCount == 1)
        #expect(guest.status == 0)
    }

    @Test func resetTakesEverythingBack() async throws {
        let guest = try GuestView()
        guest.enable()
        guest.start()
        await withCheckedContinuation { done in guest.transport.reset { done.resume() } }
        #expect(guest.device.deactivationCount == 1)
        #expect(guest.transport.core.status == [])
        #expect(guest.readConfiguration(0x04, 2) == 0)
        #expect(guest.address(ofBAR: 2) == 0)
    }

    /// Seeded noise through configuration space and both BARs: nothing traps, and a driver can start the device
    /// afterwards.
    @Test(arguments: Seeds.usually(1...4))
    func noiseIsHarmless(_ seed: UInt64) throws {
        let guest = try GuestView()
        var random = SeededGenerator(seed: seed)
        for _ in 0..<20_000 {
            let value = Bool.random(using: &random) ? random.next() : random.next() % 16
            let byteCount: Int = [1, 2, 4, 8, 3, 0, 16].randomElement(using: &random) ?? 1
            let offset: UInt64 = random.next() % ([0x48, 0x5000, .max].randomElement(using: &random) ?? 1)
            let block = guest.transport.function.bars.randomElement(using: &random)?.contents
            switch random.next() % 4 {
            case 0: block?.store(value, at: offset, byteCount: byteCount)
            case 1: _ = block?.load(at: offset, byteCount: byteCount)
            case 2: guest.transport.function.storeConfiguration(value, at: offset % 0x1010, byteCount: byteCount)
            default: _ = guest.transport.function.loadConfiguration(at: offset % 0x1010, byteCount: byteCount)
            }
        }
        guest.transport.function.reset()
        guest.writeConfiguration(0x10, 0xe000_0000, 4)
        guest.writeConfiguration(0x18, 0xe010_0000, 4)
        let before = guest.device.activations.count
        guest.enable()
        guest.start()
        #expect(guest.status == 0xf)
        #expect(guest.device.activations.count == before + 1)
    }
}
