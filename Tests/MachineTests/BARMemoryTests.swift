import Board
import GuestMemory
import Host
import KVM
import PCI
import Synchronization
import Testing

@testable import Machine

/// Whether tests that need the hypervisor can run.
private enum Available {
    static let kvm = (try? OwnedDescriptor(opening: "/dev/kvm", access: .readWrite)) != nil
    static let reason = "no /dev/kvm that this user may open"
}

/// A place for a BAR of 16 MiB, and whether 10 MiB of memory can be there.
struct BARPlacement: Sendable, CustomTestStringConvertible {
    let name: String
    let address: UInt64
    var isTaken = false
    var testDescription: String { name }
}

/// Memory that a guest moves about, against KVM's own memory slots.
@Suite("Memory that is a BAR", .enabled(if: Available.kvm, "\(Available.reason)"))
struct BARMemoryTests {
    private static let barByteCount: UInt64 = 16 << 20
    private static let memoryByteCount = 10 << 20
    /// Below 4 GiB, in the 32-bit window.
    private static let low: UInt64 = 0xd000_0000

    /// A machine of 64 MiB and two devices' memory.
    private final class Board: Sendable {
        let memory: PhysicalMemory
        let dispatch: AddressDispatch
        let places = [MovingRange(), MovingRange()]
        let refusals = Mutex<[BARMemoryRefusal]>([])
        let layout: BoardLayout

        init() throws {
            let machine = try VirtualMachine(
                Hypervisor(), taskStateAddress: 0xfffb_d000, identityMapAddress: 0xfffb_c000)
            layout = try BoardLayout(ramByteCount: 64 << 20, physicalAddressBits: 40)
            memory = PhysicalMemory(machine)
            dispatch = AddressDispatch(memory.guestMemory, try ControlEvents())
            let ram = try HostMapping(.anonymous(reserve: false), byteCount: 64 << 20)
            let region = MemoryRegion(range: layout.lowRAM, mapping: ram, purpose: .ram)
            try memory.attach(try #require(region))
            dispatch.updateMemory {
                _ = $0.insert(NumberedBlock(7), at: BARMemoryTests.low + 0x800_0000, byteCount: 0x1000)
            }
        }

        func device(_ index: Int, isReadOnly: Bool = false) throws -> BARMemory {
            BARMemory(
                try HostMapping(
                    .anonymous(reserve: false), byteCount: BARMemoryTests.memoryByteCount, readOnly: isReadOnly),
                of: "nv\(index)", memory: memory, dispatch: dispatch,
                windows: [BoardLayout.pciWindow32, try #require(layout.pciWindow64)], place: places[index],
                onDroppedStore: { _ in }, onRefusal: { refusal in self.refusals.withLock { $0.append(refusal) } })
        }

        var starts: [UInt64] { memory.guestMemory.map.regions.map(\.range.start.rawValue) }
    }

    @Test(arguments: [
        BARPlacement(name: "32-bit window", address: low, isTaken: true),
        BARPlacement(name: "the end of the 32-bit window", address: 0xdf00_0000, isTaken: true),
        BARPlacement(name: "64-bit window", address: 0xc0_0000_0000, isTaken: true),
        BARPlacement(name: "the end of the 64-bit window", address: 0xff_ff00_0000, isTaken: true),
        BARPlacement(name: "RAM", address: 0x100_0000),
        BARPlacement(name: "the end of RAM", address: 0x3ff_f000),
        BARPlacement(name: "between RAM and the window", address: 0x4000_0000),
        BARPlacement(name: "across the end of the 32-bit window", address: 0xdf80_0000),
        BARPlacement(name: "device memory", address: 0x1_0000_0000),
        BARPlacement(name: "configuration space", address: 0xe000_0000),
        BARPlacement(name: "the local APIC", address: 0xfe00_0000),
        BARPlacement(name: "what KVM needs", address: 0xff00_0000),
        BARPlacement(name: "registers of another BAR", address: low + 0x800_0000),
        BARPlacement(name: "half over registers of another BAR", address: low + 0x780_0000),
        BARPlacement(name: "beyond the processor's addresses", address: 1 << 40),
        BARPlacement(name: "all ones, as a driver asks for the size", address: .max << 24),
        BARPlacement(name: "all ones in the upper half", address: 0xffff_ffff_d000_0000),
    ])
    func place(_ test: BARPlacement) throws {
        let board = try Board()
        let device = try board.device(0)
        device.move(to: test.address, byteCount: Self.barByteCount)
        #expect(board.places[0].value?.start.rawValue == (test.isTaken ? test.address : nil))
        #expect(board.starts == (test.isTaken ? [0, test.address] : [0]))
        #expect(board.refusals.withLock { $0.count } == (test.isTaken ? 0 : 1))
        // Wherever it was: it can go to a good place, and away.
        device.move(to: Self.low, byteCount: Self.barByteCount)
        #expect(board.starts == [0, Self.low])
        device.move(to: nil, byteCount: Self.barByteCount)
        #expect(board.starts == [0] && board.places[0].value == nil)
    }

    @Test func whoComesSecondIsNotMapped() throws {
        let board = try Board()
        let (first, second) = (try board.device(0), try board.device(1))
        first.move(to: Self.low, byteCount: Self.barByteCount)
        // Only the BARs overlap there, the memory does not.
        let behind = Self.low + Self.barByteCount - 0x1000
        for address in [Self.low, Self.low - 0x80_0000, behind, Self.low] {
            second.move(to: address, byteCount: Self.barByteCount)
            #expect(board.starts == [0, Self.low] && board.places[1].value == nil)
        }
        #expect(board.refusals.withLock { $0.count } == 1, "one line in the log is enough")
        first.move(to: nil, byteCount: Self.barByteCount)
        second.move(to: behind, byteCount: Self.barByteCount)
        #expect(board.starts == [0, behind])
    }

    @Test func registersDoNotComeOverMemory() throws {
        let board = try Board()
        let device = try board.device(0)
        device.move(to: Self.low, byteCount: Self.barByteCount)
        let last = Self.low + Self.barByteCount - 0x1000
        #expect(!board.dispatch.updateMemory { $0.insert(NumberedBlock(8), at: last, byteCount: 0x1000) })
        device.move(to: nil, byteCount: Self.barByteCount)
        #expect(board.dispatch.updateMemory { $0.insert(NumberedBlock(8), at: last, byteCount: 0x1000) })
    }

    /// Work that has begun goes on where the memory was.
    @Test func whoHoldsTheOldMapStillReaches() throws {
        let board = try Board()
        do {
            let device = try board.device(0)
            device.move(to: Self.low, byteCount: Self.barByteCount)
            let old = board.memory.guestMemory.map
            device.move(to: Self.low + Self.barByteCount, byteCount: Self.barByteCount)
            try old.store(UInt32(0x1234_5678), at: GuestAddress(Self.low + 0x10))
            let there = GuestAddress(Self.low + Self.barByteCount + 0x10)
            #expect(try board.memory.guestMemory.map.load(UInt32.self, at: there) == 0x1234_5678)
            device.move(to: nil, byteCount: Self.barByteCount)
            #expect(try old.load(UInt32.self, at: GuestAddress(Self.low + 0x10)) == 0x1234_5678)
        }
        #expect(board.starts == [0])
    }

    /// Slots of the kernel's are given back: there are some hundreds.
    @Test func manyMoves() throws {
        let board = try Board()
        let device = try board.device(0, isReadOnly: true)
        for step in 0..<600 as Range<UInt64> {
            device.move(
                to: step % 3 == 2 ? nil : Self.low + (step % 4) * Self.barByteCount, byteCount: Self.barByteCount)
        }
        #expect(board.refusals.withLock { $0 }.isEmpty)
        #expect(board.starts == [0])
    }
}
