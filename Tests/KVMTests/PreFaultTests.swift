import CLinux
import Host
import Testing

@testable import KVM

@Suite("Pages before their first access", .enabled(if: Available.kvm, "\(Available.reason)"))
struct PreFaultTests {
    /// KVM_CAP_PRE_FAULT_MEMORY
    private static let capability: UInt = 236

    /// Where the kernel can, the guest's access is no fault any more; elsewhere the call does no harm.
    @Test func preFault() throws {
        // mov al, [0x200000]; out 0x10, al; hlt
        let machine = try TinyMachine([0xa0, 0, 0, 0x20, 0, 0xe6, 0x10, 0xf4])
        let slot = try MemorySlot(machine.machine, number: 1, guestAddress: 0x20_0000, mapping: try filled([0x77]))
        let number = machine.machine.descriptor.rawValue
        let isSupported = nt_ioctl_value(number, NT_KVM_CHECK_EXTENSION, Self.capability) > 0
        let ranges: [UInt64] = [TinyMachine.start, 0x20_0000]
        #expect(ranges.map { machine.processor.preFault($0, byteCount: 64 << 10) } == [isSupported, isSupported])
        let before = PageFaultCounters(machine.processor)?.read()?.fixed
        #expect(machine.run() == .halted)
        #expect(machine.exits.all == [.storePort(0x10, 1, 0x77)])
        if isSupported { #expect(PageFaultCounters(machine.processor)?.read()?.fixed == before) }
        withExtendedLifetime(slot) {}
    }

    /// Memory that is not there ends the call, not the process.
    @Test func preFaultOfNothing() throws {
        let machine = try TinyMachine([0xf4])
        #expect(!machine.processor.preFault(0x4000_0000, byteCount: 64 << 10))
        #expect(machine.run() == .halted)
    }
}
