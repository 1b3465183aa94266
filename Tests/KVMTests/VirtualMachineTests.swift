import Host
import Synchronization
import Testing

@testable import KVM

@Suite("A machine of a few instructions", .enabled(if: Available.kvm, "\(Available.reason)"))
struct VirtualMachineTests {
    /// hlt, which ends a run where there is no interrupt controller.
    private static let halt: [UInt8] = [0xf4]
    /// mov dword [0xd0000000], 7
    private static let doorbell: [UInt8] = [0xc7, 0x05, 0x00, 0x00, 0x00, 0xd0, 0x07, 0x00, 0x00, 0x00]

    @Test func portsOfEveryWidth() throws {
        // mov al, 0x5a; out 0x10, al; in ax, 0x20; out 0x30, eax
        let machine = try TinyMachine([0xb0, 0x5a, 0xe6, 0x10, 0x66, 0xe5, 0x20, 0xe7, 0x30] + Self.halt)
        #expect(machine.run() == .halted)
        #expect(machine.exits.all == [.storePort(0x10, 1, 0x5a), .loadPort(0x20, 2), .storePort(0x30, 4, 0x21)])
    }

    @Test func memoryThatNobodyBacks() throws {
        // mov al, [0xd0000010]; mov [0xd0000020], eax
        let code: [UInt8] = [0xa0, 0x10, 0, 0, 0xd0, 0xa3, 0x20, 0, 0, 0xd0]
        let machine = try TinyMachine([0x31, 0xc0] + code + Self.halt)
        #expect(machine.run() == .halted)
        #expect(machine.exits.all == [.load(0xd000_0010, 1), .store(0xd000_0020, 4, 0x11)])
    }

    @Test func aStoreIntoReadOnlyMemoryExits() throws {
        // mov byte [0x200000], 0x5a; mov al, [0x200000]; out 0x10, al
        let code: [UInt8] = [0xc6, 0x05, 0, 0, 0x20, 0, 0x5a, 0xa0, 0, 0, 0x20, 0, 0xe6, 0x10]
        let machine = try TinyMachine(code + Self.halt)
        let slot = try MemorySlot(
            machine.machine, number: 1, guestAddress: 0x20_0000, mapping: try filled([0x77]), readOnly: true)
        #expect(machine.run() == .halted)
        #expect(machine.exits.all == [.store(0x20_0000, 1, 0x5a), .storePort(0x10, 1, 0x77)])
        withExtendedLifetime(slot) {}
    }

    /// What cannot be answered now is asked again by the next run, and the guest waits meanwhile.
    @Test func anUnansweredAccessIsAskedAgain() throws {
        // mov byte [0x200000], 0x5a; mov al, [0x200010]; out 0x10, al
        let code: [UInt8] = [0xc6, 0x05, 0, 0, 0x20, 0, 0x5a, 0xa0, 0x10, 0, 0x20, 0, 0xe6, 0x10]
        let machine = try TinyMachine(code + Self.halt)
        machine.exits.isMemoryMissing.withLock { $0 = true }
        for _ in 0..<2 { #expect(machine.run() == .memoryFault(0x20_0000)) }
        #expect(machine.exits.all == [.store(0x20_0000, 1, 0x5a), .store(0x20_0000, 1, 0x5a)])
        machine.exits.isMemoryMissing.withLock { $0 = false }
        #expect(machine.run() == .halted)
        #expect(
            machine.exits.all.suffix(3) == [.store(0x20_0000, 1, 0x5a), .load(0x20_0010, 1), .storePort(0x10, 1, 0x11)])
    }

    @Test func memoryGoesWithItsSlot() throws {
        // Twice: mov al, [0x200000]; out 0x10, al; hlt
        let code: [UInt8] = [0xa0, 0, 0, 0x20, 0, 0xe6, 0x10] + Self.halt
        let machine = try TinyMachine(code + code)
        var slot: MemorySlot? = try MemorySlot(
            machine.machine, number: 1, guestAddress: 0x20_0000, mapping: try filled([0x77]))
        #expect(machine.run() == .halted)
        withExtendedLifetime(slot) {}
        slot = nil
        #expect(machine.run() == .halted)
        #expect(machine.exits.all == [.storePort(0x10, 1, 0x77), .load(0x20_0000, 1), .storePort(0x10, 1, 1)])
    }

    @Test func slotsDoNotOverlap() throws {
        let machine = try TinyMachine(Self.halt)
        #expect(throws: KVMError.self) {
            _ = try MemorySlot(machine.machine, number: 1, guestAddress: TinyMachine.start, mapping: try filled([]))
        }
    }

    @Test func aDoorbellSignalsInsteadOfExiting() throws {
        let machine = try TinyMachine(Self.doorbell + Self.halt + Self.doorbell + Self.halt)
        let event = try EventFD()
        try machine.machine.registerIOEventFD(event, at: .memory(0xd000_0000))
        #expect(machine.run() == .halted)
        #expect(machine.exits.all == [])
        #expect(event.clear())
        try machine.machine.unregisterIOEventFD(event, at: .memory(0xd000_0000))
        #expect(machine.run() == .halted)
        #expect(machine.exits.all == [.store(0xd000_0000, 4, 7)])
        #expect(!event.isSignalled)
    }

    @Test func aDoorbellAtAPort() throws {
        let machine = try TinyMachine([0xe6, 0x10] + Self.halt)
        let event = try EventFD()
        try machine.machine.registerIOEventFD(event, at: .port(0x10))
        #expect(machine.run() == .halted)
        #expect(machine.exits.all == [])
        #expect(event.isSignalled)
    }

    @Test func twoDoorbellsCannotShareAnAddress() throws {
        let machine = try TinyMachine(Self.halt)
        let (first, second) = (try EventFD(), try EventFD())
        try machine.machine.registerIOEventFD(first, at: .memory(0xd000_0000))
        #expect(throws: KVMError.self) { try machine.machine.registerIOEventFD(second, at: .memory(0xd000_0000)) }
        #expect(throws: KVMError.self) { try machine.machine.unregisterIOEventFD(second, at: .memory(0xd000_0000)) }
    }

    @Test func aDetachedInterruptStaysInItsCounter() throws {
        let machine = try TinyMachine(Self.halt, withInterruptControllers: true)
        let event = try EventFD()
        try machine.machine.setRouting([.init(gsi: 24, address: 0xfee0_0000, data: 0x41)])
        try machine.machine.registerIRQFD(event, gsi: 24)
        #expect(isTaken(event))
        try machine.machine.unregisterIRQFD(event, gsi: 24)
        event.signal()
        // KVM takes another one that is signalled later.
        let later = try EventFD()
        try machine.machine.registerIRQFD(later, gsi: 24)
        later.signal()
        #expect(isTaken(later))
        #expect(event.isSignalled, "nothing takes it")
    }

    /// Waits until KVM has cleared the counter.
    private func isTaken(_ event: EventFD) -> Bool {
        for _ in 0..<10_000 where event.isSignalled { Sleep.milliseconds(1) }
        return !event.isSignalled
    }

    @Test func routesBeyondTheTableAreRefused() throws {
        let machine = try TinyMachine(Self.halt, withInterruptControllers: true)
        #expect(throws: KVMError.self) {
            try machine.machine.setRouting([.init(gsi: 100_000, address: 0xfee0_0000, data: 0)])
        }
    }

    @Test func aSpinningProcessorCanBeInterrupted() throws {
        // jmp to itself
        let machine = try TinyMachine([0xeb, 0xfe])
        let (processor, exits) = (machine.processor, machine.exits)
        let runner = Runner()
        let thread = try HostThread(name: "spinner") {
            let end = processor.run(exits)
            runner.end.withLock { $0 = end }
        }
        // A kick that comes before the thread is in the guest is made good by the next.
        while runner.end.withLock({ $0 }) == nil {
            processor.requestInterruption()
            thread.kick()
            Sleep.milliseconds(1)
        }
        thread.join()
        #expect(runner.end.withLock { $0 } == .interrupted)
    }

    @Test func anInterruptionBeforeTheRunCountsOnce() throws {
        let machine = try TinyMachine(Self.halt)
        machine.processor.requestInterruption()
        #expect(machine.run() == .interrupted)
        #expect(machine.run() == .halted)
    }

    @Test func anInterruptedPortStoreIsMadeAgain() throws {
        // mov al, 0x5a; out 0x10, al; hlt
        let machine = try TinyMachine([0xb0, 0x5a, 0xe6, 0x10, 0xf4])
        machine.exits.isPortStalled.withLock { $0 = true }
        for _ in 0..<3 { #expect(machine.run() == .interrupted) }
        #expect(machine.exits.all == [])
        machine.exits.isPortStalled.withLock { $0 = false }
        #expect(machine.run() == .halted)
        #expect(machine.exits.all == [.storePort(0x10, 1, 0x5a)], "once")
    }

    @Test func aTripleFaultEndsTheRun() throws {
        // An undefined instruction without an interrupt descriptor table.
        let machine = try TinyMachine([0x0f, 0x0b])
        #expect(machine.run() == .tripleFault)
        let registers = machine.processor.describeRegisters()
        for part in ["vCPU 0", "rip=", "cr0=0000000000000011", "cs=0000000000000010"] {
            #expect(registers.contains(part), "\(registers)")
        }
    }
}

/// Where a thread leaves how its run ended.
private final class Runner: Sendable {
    let end = Mutex<RunEnd?>(nil)
}

@Suite struct HypervisorTests {
    @Test func theDeviceIsMissing() {
        #expect(throws: KVMError.noDevice(path: "/nowhere/kvm")) { try openHypervisor("/nowhere/kvm") }
        #expect(KVMError.noDevice(path: "/dev/kvm").description.contains("modprobe"))
    }

    @Test func theDeviceIsAnotherOne() {
        #expect(throws: KVMError.self) { try openHypervisor("/dev/null") }
    }

    @Test func permissionIsExplained() {
        let text = KVMError.noPermission(path: "/dev/kvm").description
        for part in ["/dev/kvm", "root", "group"] { #expect(text.contains(part)) }
    }

    private func openHypervisor(_ path: String) throws { _ = try Hypervisor(path: path) }
}
