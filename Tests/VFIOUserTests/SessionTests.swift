import Glibc
import GuestMemory
import Host
import PCI
import Testing
import TestSupport
@testable import VFIOUser

@Suite struct SessionTests {
    private let device: FakeDevice
    private let session: Session

    init() throws {
        device = try FakeDevice()
        session = Session.negotiated(device)
    }

    private func bytes(_ words: [UInt32] = [], _ longs: [UInt64] = []) -> [UInt8] { VFIOUserClient.bytes(words, longs) }

    private func access(_ region: UInt32, _ offset: UInt64, _ count: UInt32) -> [UInt8] {
        bytes([], [offset]) + bytes([region, count])
    }

    // MARK: Beginnings

    @Test func versionComesFirst() {
        let fresh = Session(device.served)
        #expect(fresh.ask(4, bytes([16, 0, 0, 0])).ends)
        #expect(Session(device.served).ask(1, [1, 0, 0, 0]).ends)
        #expect(Session(device.served).ask(1, [0, 0]).ends)
        #expect(Session(device.served).ask(1, [0, 0, 1, 0, 0]).ends)
    }

    @Test func versionComesOnce() {
        #expect(session.ask(1, [0, 0, 1, 0]).errorNumber == UInt32(EINVAL))
        #expect(session.ask(13).errorNumber == 0)
    }

    @Test func repliesAreNoCommands() {
        #expect(session.ask(4, bytes([16, 0, 0, 0]), flags: 1).ends)
        #expect(session.ask(4, bytes([16, 0, 0, 0]), flags: 2).ends)
    }

    @Test func whoWantsNoReplyGetsNone() {
        #expect(session.ask(13, flags: 0x10) == .silence)
        #expect(session.ask(99, flags: 0x10) == .silence)
        #expect(device.resetCount == 1)
    }

    // MARK: What the device says of itself

    @Test func informationOfTheDevice() {
        #expect(session.ask(4, bytes([16, 0, 0, 0])).payload == bytes([16, 3, 9, 5]))
    }

    @Test(arguments: 0..<9 as Range<UInt32>) func informationOfRegions(_ index: UInt32) {
        let payload = session.ask(5, bytes([32, 0, index, 0], [0, 0])).payload
        let size: UInt64 = [2: 4096, 4: 4 << 20, 7: 256][index] ?? 0
        let flags: UInt32 = index == 4 ? 0xf : size > 0 ? 3 : 0
        let isMappable = index == 4
        #expect(
            payload
                == bytes(
                    [isMappable ? 64 : 32, flags, index, isMappable ? 32 : 0],
                    [size, isMappable ? FakeDevice.fileOffset : 0]))
    }

    /// The file goes with the whole reply only, and the area ends where the file does.
    @Test func theStoragesFile() {
        guard case .reply(_, let none) = session.ask(5, bytes([63, 0, 4, 0], [0, 0])),
            case .reply(let whole, let file) = session.ask(5, bytes([64, 0, 4, 0], [0, 0]))
        else {
            Issue.record("no reply")
            return
        }
        #expect(none.isEmpty && file == [device.storageFile.descriptor.rawValue])
        #expect(whole.suffix(32) == (bytes([1 | 1 << 16, 0, 1, 0], [0, UInt64(FakeDevice.storageByteCount)]))[...])
    }

    @Test func readOnlyStorageSaysSo() throws {
        let session = Session.negotiated(try FakeDevice(readOnly: true))
        #expect(session.ask(5, bytes([32, 0, 4, 0], [0, 0])).payload[4] == 0b1101)
        #expect(session.ask(10, access(4, 0, 1) + [1]).errorNumber == UInt32(EINVAL))
    }

    @Test(arguments: 0..<5 as Range<UInt32>) func informationOfInterrupts(_ index: UInt32) {
        let count: UInt32 = index == 2 ? 2 : 0
        #expect(session.ask(7, bytes([16, 0, index, 0])).payload == bytes([16, count > 0 ? 1 : 0, index, count]))
    }

    @Test func indicesThatThereAreNot() {
        for index in [9, 10, 0xffff, .max] as [UInt32] {
            #expect(session.ask(5, bytes([32, 0, index, 0], [0, 0])).errorNumber == UInt32(EINVAL))
            #expect(session.ask(6, bytes([56, 0, index, 0])).errorNumber == UInt32(EINVAL))
            #expect(session.ask(9, access(index, 0, 4)).errorNumber == UInt32(EINVAL))
            #expect(session.ask(10, access(index, 0, 1) + [0]).errorNumber == UInt32(EINVAL))
        }
        for index in [5, 6, .max] as [UInt32] {
            #expect(session.ask(7, bytes([16, 0, index, 0])).errorNumber == UInt32(EINVAL))
            #expect(session.ask(8, bytes([20, 0x21, index, 0, 0])).errorNumber == UInt32(EINVAL))
        }
    }

    // MARK: Regions

    @Test func registersAreReadAndWritten() {
        #expect(session.ask(10, access(2, 8, 4) + [1, 2, 3, 4]).payload == access(2, 8, 4))
        #expect(session.ask(9, access(2, 8, 4)).payload == access(2, 8, 4) + [1, 2, 3, 4])
        #expect(session.ask(9, access(2, 10, 1)).payload == access(2, 10, 1) + [3])
    }

    /// What is no access of a processor comes in pieces that are.
    @Test func accessesArePieces() {
        _ = session.ask(10, access(2, 1, 15) + Array(1...15))
        let stores = device.registers.stores
        #expect(stores.map(\.offset) == [1, 2, 4, 8])
        #expect(stores.map(\.byteCount) == [1, 2, 4, 8])
        #expect(stores.map(\.value) == [1, 0x0302, 0x0706_0504, 0x0f0e_0d0c_0b0a_0908])
        #expect(session.ask(9, access(2, 1, 15)).payload.suffix(15) == Array(1...15)[...])
    }

    @Test func manyWritesAtOnce() {
        func one(_ offset: UInt64, _ count: UInt32, _ value: UInt64) -> [UInt8] {
            bytes([], [offset]) + bytes([2, count]) + bytes([], [value])
        }
        #expect(session.ask(15, bytes([], [2]) + one(0, 4, 0x11) + one(8, 8, .max)).payload == bytes([], [2]))
        #expect(device.registers.stores.map(\.value) == [0x11, .max])
        #expect(session.ask(15, bytes([], [1]) + one(4095, 2, 0)).errorNumber == UInt32(EINVAL))
    }

    @Test func allOfConfigurationSpaceAtOnce() {
        let payload = session.ask(9, access(7, 0, 256)).payload
        #expect(payload.count == 16 + 256 && payload[16...17] == [0xf4, 0x1a])
    }

    @Test(
        arguments: [
            (2, 4096, 1), (2, 4095, 2), (2, 0, 4097), (2, 0, 0), (2, .max, 1), (2, .max, 0xffff_ffff), (7, 256, 1),
            (0, 0, 1), (3, 0, 1),
            (4, 4 << 20, 1), (4, 0, 1 << 20 + 1), (4, 1, 0xffff_ffff), (8, 0, 1),
        ] as [(UInt32, UInt64, UInt32)])
    func rangesOutsideARegion(_ region: UInt32, _ offset: UInt64, _ count: UInt32) {
        #expect(session.ask(9, access(region, offset, count)).errorNumber == UInt32(EINVAL))
    }

    /// A client that maps nothing gets and stores the same bytes.
    @Test func storageByMessages() throws {
        #expect(session.ask(10, access(4, 4096, 3) + [7, 8, 9]).errorNumber == 0)
        #expect(session.ask(9, access(4, 4095, 5)).payload.suffix(5) == [0, 7, 8, 9, 0][...])
        let inFile = try device.storageFile.descriptor.with { $0.bytes(at: FakeDevice.fileOffset + 4096, count: 3) }
            .get()
        #expect(inFile == [7, 8, 9])
        // Behind the file's end the BAR is empty.
        let end = UInt64(FakeDevice.storageByteCount)
        #expect(session.ask(10, access(4, end - 1, 3) + [1, 2, 3]).errorNumber == 0)
        #expect(session.ask(9, access(4, end - 2, 4)).payload.suffix(4) == [0, 1, 0, 0][...])
        #expect(session.ask(9, access(4, end + 5, 2)).payload.suffix(2) == [0, 0][...])
    }

    @Test func storageIsGuestMemoryWhereItsBARIs() throws {
        for (offset, value) in [(0x20, 0), (0x24, 1), (0x04, 2)] as [(UInt64, UInt32)] {
            _ = session.ask(10, access(7, offset, 4) + bytes([value]))
        }
        try device.memory.map.store(UInt32(0xabcd), at: GuestAddress(1 << 32))
        #expect(session.ask(9, access(4, 0, 2)).payload.suffix(2) == [0xcd, 0xab][...])
        // QEMU maps the BAR too, without a file.
        #expect(session.ask(2, bytes([32, 3], [0, 1 << 32, 4 << 20])).errorNumber == 0)
        #expect(device.memory.map.regions.count == 1)
        // And takes that back, which leaves the storage alone.
        #expect(session.ask(3, bytes([24, 0], [1 << 32, 4 << 20])).errorNumber == 0)
        #expect(session.ask(2, bytes([32, 3], [0, 1 << 32, 3 << 20])).errorNumber == 0)
        #expect(session.ask(3, bytes([24, 0], [1 << 32, 3 << 20])).errorNumber == 0)
        #expect(device.memory.map.regions.count == 1)
        session.close()
        #expect(device.memory.map.regions.isEmpty)
    }

    // MARK: Interrupts

    private func event() throws -> (EventFD, SharedDescriptor) {
        let event = try EventFD()
        return (
            event, SharedDescriptor(OwnedDescriptor(taking: withExtendedLifetime(event) { dup(event.rawDescriptor) }))
        )
    }

    @Test func signalsReachTheClientsEventFD() throws {
        let (event, sent) = try event()
        // What came before stays pending.
        device.interrupts.signal(1)
        #expect(device.interrupts.isPending(vector: 1))
        #expect(session.ask(8, bytes([20, 0x24, 2, 1, 1]), descriptors: [sent]).errorNumber == 0)
        #expect(event.clear() && !device.interrupts.isPending(vector: 1))
        device.interrupts.signal(1)
        #expect(event.clear())
        // A client may also raise a vector itself, all of a range or some.
        #expect(session.ask(8, bytes([20, 0x21, 2, 1, 1])).errorNumber == 0)
        #expect(event.clear())
        #expect(session.ask(8, bytes([20, 0x22, 2, 0, 2]) + [1, 0]).errorNumber == 0)
        #expect(!event.isSignalled)
        #expect(session.ask(8, bytes([20, 0x22, 2, 0, 2]) + [0, 9]).errorNumber == 0)
        #expect(event.clear())
        // No descriptors take it away; so does "count 0".
        #expect(session.ask(8, bytes([20, 0x24, 2, 1, 1])).errorNumber == 0)
        device.interrupts.signal(1)
        #expect(!event.isSignalled)
        #expect(session.ask(8, bytes([20, 0x24, 2, 0, 2]), descriptors: [sent, sent]).errorNumber == 0)
        #expect(session.ask(8, bytes([20, 0x21, 2, 0, 0])).errorNumber == 0)
        event.clear()
        device.interrupts.signal(0)
        #expect(!event.isSignalled)
    }

    @Test(
        arguments: [
            [0x24, 2, 0, 1], [0x24, 2, 0, 3], [0x24, 2, 2, 1], [0x24, 2, .max, 1], [0x24, 2, 1, .max], [0x24, 2, 0, 0],
            [0x21, 2, 1, 2],
            [0x21, 2, 1, 0], [0x0c, 2, 0, 2], [0x14, 2, 0, 2], [0x21, 0, 0, 1], [0x24, 0, 0, 1], [0x24, 3, 0, 1],
            [0x22, 2, 0, 0],
        ] as [[UInt32]])
    func settingsThatMakeNoSense(_ fields: [UInt32]) throws {
        // Two eventfds came with it.
        let sent = [try event().1, try event().1]
        #expect(session.ask(8, bytes([20] + fields), descriptors: sent).errorNumber == UInt32(EINVAL))
    }

    @Test func onlyEventFDsAreInterrupts() throws {
        let file = try MemoryFile(byteCount: 4096).descriptor
        #expect(session.ask(8, bytes([20, 0x24, 2, 0, 1]), descriptors: [file]).errorNumber == UInt32(EBADF))
        #expect(
            session.ask(8, bytes([20, 0x24, 2, 0, 2]), descriptors: [try event().1, file]).errorNumber == UInt32(EBADF))
        device.interrupts.signal(0)
        #expect(device.interrupts.isPending(vector: 0))
    }

    // MARK: Unsolicited descriptors

    @Test(arguments: CodecTests.fixed.filter { ![2, 8].contains($0.command) })
    func descriptorsWithOtherCommands(_ row: CodecTests.Fixed) throws {
        #expect(session.ask(row.command, row.payload, descriptors: [try event().1]).errorNumber == UInt32(EINVAL))
    }

    @Test func twoFilesForOneRange() throws {
        let file = try MemoryFile(byteCount: 8192).descriptor
        let payload = bytes([32, 3], [0, 0x10_0000, 8192])
        #expect(session.ask(2, payload, descriptors: [file, file]).errorNumber == UInt32(EINVAL))
        #expect(session.ask(2, payload, descriptors: [file]).errorNumber == 0)
        #expect(session.ask(2, payload, descriptors: [file]).errorNumber == UInt32(EEXIST))
        #expect(session.ask(3, bytes([24, 0], [0x10_0000, 4096])).errorNumber == UInt32(ENOENT))
        #expect(session.ask(3, bytes([24, 1], [0x10_0000, 8192])).errorNumber == UInt32(EINVAL))
        #expect(session.ask(3, bytes([24, 2], [0x10_0000, 8192])).errorNumber == UInt32(EINVAL))
        #expect(session.ask(3, bytes([24, 0], [0x10_0000, 8192])).payload == bytes([24, 0], [0x10_0000, 8192]))
        #expect(session.ask(3, bytes([24, 2], [0, 0])).errorNumber == 0)
    }

    // MARK: Ends

    @Test func closingGivesEverythingBack() throws {
        let (event, sent) = try event()
        _ = session.ask(8, bytes([20, 0x24, 2, 0, 1]), descriptors: [sent])
        _ = session.ask(
            2, bytes([32, 3], [0, 0x10_0000, 8192]), descriptors: [try MemoryFile(byteCount: 8192).descriptor])
        session.close()
        #expect(device.resetCount == 1)
        #expect(device.memory.map.regions.isEmpty)
        device.interrupts.signal(0)
        #expect(!event.isSignalled)
    }
}
