import CLinux
import Testing

@testable import KVM

/// A vCPU of a machine, and what its CPUID must say.
struct ProcessorCase: Sendable {
    let index: UInt32
    let count: UInt32
    /// How many bits of the APIC id number the cores of the package.
    let coreBits: UInt32
}

@Suite struct ProcessorIdentificationTests {
    static let cases = [
        ProcessorCase(index: 0, count: 1, coreBits: 0),
        ProcessorCase(index: 0, count: 2, coreBits: 1), ProcessorCase(index: 1, count: 2, coreBits: 1),
        ProcessorCase(index: 2, count: 3, coreBits: 2),
        ProcessorCase(index: 0, count: 16, coreBits: 4), ProcessorCase(index: 15, count: 16, coreBits: 4),
        ProcessorCase(index: 16, count: 17, coreBits: 5), ProcessorCase(index: 254, count: 255, coreBits: 8),
    ]

    private func entry(_ function: UInt32, _ index: UInt32 = 0, _ test: ProcessorCase) throws -> kvm_cpuid_entry2 {
        let all = VirtualMachine.cpuid(from: Self.host, forProcessor: Int(test.index), of: Int(test.count))
        #expect(all.count == Self.host.count)
        return try #require(all.first { $0.function == function && $0.index == index })
    }

    @Test(arguments: cases) func processorInformation(_ test: ProcessorCase) throws {
        let leaf = try entry(1, 0, test)
        #expect(leaf.ebx >> 24 == test.index, "initial APIC id")
        #expect(leaf.ebx >> 16 & 0xff == test.count, "logical processors")
        #expect(leaf.ebx & 0xffff == 0x0800, "cache line size and brand stay")
        #expect(leaf.ecx >> 31 == 1, "there is a hypervisor")
        #expect((leaf.edx >> 28 & 1 == 1) == (test.count > 1))
        #expect(leaf.eax == 0x806c1)
    }

    @Test(arguments: cases) func caches(_ test: ProcessorCase) throws {
        for level in [0, 1, 2] as [UInt32] {
            let leaf = try entry(4, level, test)
            #expect(leaf.eax >> 14 & 0xfff == 0, "levels 1 and 2 belong to one core")
            #expect(leaf.eax >> 26 == min(test.count - 1, 63))
        }
        #expect(try entry(4, 3, test).eax >> 14 & 0xfff == test.count - 1, "level 3 is the package's")
        #expect(try entry(4, 4, test).eax == 0, "the list's end stays")
    }

    @Test(arguments: cases) func topology(_ test: ProcessorCase) throws {
        for function in [0xb, 0x1f] as [UInt32] {
            let (threads, cores, end) = (
                try entry(function, 0, test), try entry(function, 1, test), try entry(function, 2, test)
            )
            #expect((threads.eax, threads.ebx, threads.ecx) == (0, 1, 0x100))
            #expect((cores.eax, cores.ebx, cores.ecx) == (test.coreBits, test.count, 0x201))
            #expect((end.eax, end.ebx, end.ecx) == (0, 0, 2))
            for leaf in [threads, cores, end] { #expect(leaf.edx == test.index, "x2APIC id") }
        }
    }

    @Test(arguments: cases) func amd(_ test: ProcessorCase) throws {
        let sizes = try entry(0x8000_0008, 0, test)
        #expect(sizes.eax == 0x3027, "address widths stay")
        #expect(sizes.ecx & 0xff == test.count - 1)
        #expect(sizes.ecx >> 12 & 0xf == test.coreBits)
        let core = try entry(0x8000_001e, 0, test)
        #expect(core.eax == test.index)
        #expect(core.ebx == test.index, "one thread per core")
    }

    @Test(arguments: cases) func otherLeavesStay(_ test: ProcessorCase) throws {
        let leaf = try entry(7, 0, test)
        #expect((leaf.eax, leaf.ebx, leaf.ecx, leaf.edx) == (1, 2, 3, 4))
    }

    /// CPUID of a host with eight cores, as far as it matters.
    static let host: [kvm_cpuid_entry2] = [
        leaf(1, 0, 0x806c1, 0x0510_0800, 0x7ffa_fbff, 0xbfeb_fbff),
        leaf(4, 0, 0x1c00_4121, 0x02c0_003f, 63, 0), leaf(4, 1, 0x1c00_4122, 0x01c0_003f, 63, 0),
        leaf(4, 2, 0x1c00_4143, 0x04c0_003f, 1023, 0), leaf(4, 3, 0x1c03_c163, 0x02c0_003f, 12287, 4),
        leaf(4, 4, 0, 0, 0, 0),
        leaf(7, 0, 1, 2, 3, 4),
        leaf(0xb, 0, 1, 2, 0x100, 5), leaf(0xb, 1, 4, 8, 0x201, 5), leaf(0xb, 2, 0, 0, 2, 5),
        leaf(0x1f, 0, 1, 2, 0x100, 5), leaf(0x1f, 1, 4, 8, 0x201, 5), leaf(0x1f, 2, 0, 0, 2, 5),
        leaf(0x8000_0008, 0, 0x3027, 0, 0x7007, 0), leaf(0x8000_001e, 0, 9, 0x104, 1, 0),
    ]

    private static func leaf(
        _ function: UInt32, _ index: UInt32, _ eax: UInt32, _ ebx: UInt32, _ ecx: UInt32, _ edx: UInt32
    ) -> kvm_cpuid_entry2 {
        var entry = kvm_cpuid_entry2()
        (entry.function, entry.index, entry.eax, entry.ebx, entry.ecx, entry.edx) = (
            function, index, eax, ebx, ecx, edx
        )
        return entry
    }
}

@Suite struct CountedListTests {
    @Test func listsKeepTheirElements() {
        let entries = ProcessorIdentificationTests.host
        let bytes = CountedList.bytes(of: entries)
        #expect(bytes.count == 8 + entries.count * MemoryLayout<kvm_cpuid_entry2>.stride)
        let back: [kvm_cpuid_entry2] = CountedList.elements(in: bytes)
        #expect(back.map(\.eax) == entries.map(\.eax))
        #expect(back.map(\.function) == entries.map(\.function))
    }

    @Test func aCountBeyondTheBytesIsCut() {
        var bytes = CountedList.bytes(of: [kvm_msr_entry(index: 1, reserved: 0, data: 2)])
        bytes[0] = 200
        let back: [kvm_msr_entry] = CountedList.elements(in: bytes)
        #expect(back.count == 1)
    }
}
