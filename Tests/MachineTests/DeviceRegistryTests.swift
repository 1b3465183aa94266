import Assembly
import Backend
import Board
import Logging
import QEMUDialect
import Testing

@testable import Machine

/// Devices of a command line over backends a (16 MiB), b (2 GiB) and c (32 MiB), and where they go.
struct PlacementCase: Sendable {
    let devices: [String]
    /// Addresses in the order of the devices.
    let starts: [UInt64]
    let slots: [Int]
}

/// Devices that cannot be, and what the message must hold.
struct RefusalCase: Sendable {
    let devices: [String]
    let message: [String]
}

@Suite struct DeviceRegistryTests {
    private static let backends = ["a": "16M", "b": "2G", "c": "32M", "huge": "300G"]

    private func configuration(_ devices: [String]) throws -> MachineConfiguration {
        var arguments = ["-kernel", "k", "-m", "512M"]
        for (id, size) in Self.backends.sorted(by: { $0.key < $1.key }) {
            arguments += ["-object", "memory-backend-ram,id=\(id),size=\(size),reserve=off"]
        }
        for device in devices { arguments += ["-device", "virtio-pmem-pci,\(device)"] }
        guard case .run(let configuration, _) = try parseCommandLine(arguments) else {
            throw MachineError.noKernel
        }
        return configuration
    }

    private func registry(_ devices: [String]) throws -> DeviceRegistry {
        let layout = try BoardLayout(ramByteCount: 512 << 20, physicalAddressBits: 40)
        let log = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        return try DeviceRegistry(try configuration(devices).inventory, layout: layout, log: log)
    }

    @Test(arguments: [
        PlacementCase(devices: ["memdev=a"], starts: [0x1_0000_0000], slots: [1]),
        PlacementCase(
            devices: ["memdev=a", "memdev=b", "memdev=c"], starts: [0x1_0000_0000, 0x1_4000_0000, 0x1_0800_0000],
            slots: [1, 2, 3]),
        PlacementCase(
            devices: ["memdev=a", "memdev=c,memaddr=0x100000000"], starts: [0x1_0800_0000, 0x1_0000_0000],
            slots: [2, 1]),
        PlacementCase(devices: ["memdev=a,memaddr=0x40000000"], starts: [0x4000_0000], slots: [1]),
        PlacementCase(
            devices: ["memdev=a", "memdev=c,addr=1"], starts: [0x1_0000_0000, 0x1_0800_0000], slots: [2, 1]),
        PlacementCase(
            devices: ["memdev=a,addr=0x1f", "memdev=c"], starts: [0x1_0000_0000, 0x1_0800_0000], slots: [31, 1]),
    ])
    func placement(_ test: PlacementCase) throws {
        let registry = try registry(test.devices)
        #expect(registry.devices.map(\.range?.start.rawValue) == test.starts)
        #expect(registry.devices.map(\.slot) == test.slots)
        #expect(Set(registry.devices.map(\.slot)).count == test.slots.count)
    }

    @Test(arguments: [
        RefusalCase(devices: ["memdev=a,memaddr=0x10000000"], message: ["memdev=a", "0x10000000", "overlaps RAM"]),
        RefusalCase(devices: ["memdev=a,memaddr=0xd0000000,id=nv"], message: ["id=nv", "0xd0000000", "PCI"]),
        RefusalCase(devices: ["memdev=a,memaddr=0x40001000"], message: ["0x40001000", "multiple of 0x200000"]),
        RefusalCase(devices: ["memdev=a,memaddr=0xfffff00000"], message: ["0xfffff00000"]),
        RefusalCase(devices: ["memdev=a,memaddr=0xffffffe00000"], message: ["0xffffffe00000", "40 bits"]),
        RefusalCase(
            devices: ["memdev=a,memaddr=0xffffffffffe00000"], message: ["memdev=a", "end of the address space"]),
        // Both windows together have 256 GiB and 512 MiB.
        RefusalCase(
            devices: ["memdev=a,x-shmem=on", "memdev=huge,x-shmem=on,id=nv"],
            message: ["id=nv", "BAR 4", "549755813888", "leave x-shmem out"]),
        RefusalCase(
            devices: ["memdev=a,memaddr=0x40000000", "memdev=c,memaddr=0x40000000"],
            message: ["memdev=c", "overlaps device memory"]),
    ])
    func refusals(_ test: RefusalCase) throws {
        do {
            _ = try registry(test.devices)
            Issue.record("taken")
        } catch {
            for part in test.message { #expect("\(error)".contains(part), "\(error)") }
        }
    }

    @Test func aDeviceNeverSharesItsNameWithAnother() throws {
        // Names are keys; an id from the user must not equal a generated name.
        for other in ["pmem-a", "a", "memdev"] {
            let names = try registry(["memdev=a", "memdev=c,id=\(other)"]).devices.map(\.name)
            #expect(Set(names).count == 2, "\(names)")
        }
    }

    @Test func memoryThatIsABARHasNoAddressYet() throws {
        let registry = try registry(["memdev=a,x-shmem=on", "memdev=c"])
        #expect(registry.devices.map { $0.range?.start.rawValue } == [nil, 0x1_0000_0000])
        #expect(registry.devices.map(\.slot) == [1, 2])
    }

    @Test(
        arguments: [
            (1, 0, 4096), (4097, 0, 8192), (16 << 20, 2 << 20, 16 << 20), (20 << 20, 2 << 20, 32 << 20),
            (1 << 30, 1 << 30, 1 << 30),
            (16 << 20, 1 << 30, 1 << 30), (1 << 62, 0, 1 << 62), (1 << 62 + 1, 0, nil), (.max, .max, nil),
        ] as [(UInt64, UInt64, UInt64?)])
    func sizesOfBARs(byteCount: UInt64, alignment: UInt64, expected: UInt64?) {
        let bar = try? StorageBAR.make(byteCount: byteCount, alignment: alignment)
        #expect(bar?.byteCount == expected)
    }

    @Test func whatIsGivenBackCanBeHadAgain() throws {
        var registry = try registry(["memdev=a,id=one"])
        let first = try #require(registry.devices.first)
        registry.removeDevice("one")
        #expect(registry.devices.isEmpty)
        let again = try registry.addDevice(first.configured.named.options)
        #expect(again.range == first.range)
        #expect(again.slot == first.slot)
    }
}
