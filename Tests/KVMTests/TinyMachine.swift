import CLinux
import GuestMemory
import Host
import KVM
import Synchronization

/// Whether tests that need the hypervisor can run.
enum Available {
    static let kvm = unsafe access("/dev/kvm", R_OK | W_OK) == 0
    static let reason = "no /dev/kvm that this user may open"
}

/// A machine of one vCPU and 64 KiB of memory at 0x1000, with a few instructions of 32-bit code in it.
final class TinyMachine {
    static let start: UInt64 = 0x1000

    let machine: VirtualMachine
    let processor: VirtualCPU
    let exits = Exits()
    private let memory: MemorySlot

    init(_ code: [UInt8], withInterruptControllers: Bool = false) throws {
        machine = try VirtualMachine(Hypervisor(), taskStateAddress: 0xfffb_d000, identityMapAddress: 0xfffb_c000)
        memory = try MemorySlot(machine, number: 0, guestAddress: Self.start, mapping: try filled(code))
        if withInterruptControllers { try machine.createInterruptControllers() }
        processor = try VirtualCPU(machine, index: 0, of: 1)
        var state = ProcessorState(
            code: Segment(selector: 0x10, type: 0xb), data: Segment(selector: 0x18, type: 3),
            taskState: Segment(selector: 0x20, limit: 0x67, type: 0xb, is32Bit: false, isCodeOrData: false))
        state.cr0 = 0x11
        state.rip = Self.start
        try processor.setState(state)
    }

    func run() -> RunEnd { processor.run(exits) }
}

/// Memory with bytes at its beginning.
func filled(_ bytes: [UInt8]) throws -> HostMapping {
    let mapping = try HostMapping(.anonymous(reserve: false), byteCount: 64 << 10)
    var map = MemoryMap()
    if let range = GuestRange(start: GuestAddress(0), byteCount: 64 << 10),
        let region = MemoryRegion(range: range, mapping: mapping, purpose: .ram)
    {
        try map.insert(region)
        try map.write(bytes, at: GuestAddress(0))
    }
    return mapping
}

/// Remembers every exit; loads are answered with the address plus one.
final class Exits: ExitHandler, Sendable {
    enum Exit: Equatable {
        case loadPort(UInt16, Int)
        case storePort(UInt16, Int, UInt64)
        case load(UInt64, Int)
        case store(UInt64, Int, UInt64)
    }

    private let list = Mutex<[Exit]>([])
    /// While true, no access to memory can be answered.
    let isMemoryMissing = Mutex(false)
    /// While true, a store to a port is interrupted.
    let isPortStalled = Mutex(false)

    var all: [Exit] { list.withLock { $0 } }

    func loadPort(_ port: UInt16, byteCount: Int) -> UInt64 {
        list.withLock { $0.append(.loadPort(port, byteCount)) }
        return UInt64(port) + 1
    }

    func storePort(_ value: UInt64, _ port: UInt16, byteCount: Int) -> Bool {
        if isPortStalled.withLock({ $0 }) { return false }
        list.withLock { $0.append(.storePort(port, byteCount, value)) }
        return true
    }

    func loadMemory(at address: UInt64, byteCount: Int) -> UInt64? {
        list.withLock { $0.append(.load(address, byteCount)) }
        return isMemoryMissing.withLock { $0 } ? nil : address + 1
    }

    func storeMemory(_ value: UInt64, at address: UInt64, byteCount: Int) -> Bool {
        list.withLock { $0.append(.store(address, byteCount, value)) }
        return !isMemoryMissing.withLock { $0 }
    }
}
