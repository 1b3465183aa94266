import Host
import Testing

@testable import KVM

@Suite("The log of a guest's stores", .enabled(if: Available.kvm, "\(Available.reason)"))
struct DirtyLogTests {
    /// Twice: mov byte [0x203000], 7; mov al, [0x205000]; hlt
    private static let code: [UInt8] = [0xc6, 0x05, 0x00, 0x30, 0x20, 0, 7, 0xa0, 0x00, 0x50, 0x20, 0, 0xf4]

    @Test func aStoreIsToldOnceAndALoadIsNot() throws {
        let machine = try TinyMachine(Self.code + Self.code + Self.code)
        let mapping = try HostMapping(.anonymous(reserve: false), byteCount: 128 << 12)
        let slot = try MemorySlot(
            machine.machine, number: 1, guestAddress: 0x20_0000, mapping: mapping, logsStores: true)
        #expect(try slot.takeDirtyPages().count == 0)
        for _ in 0..<3 {
            #expect(machine.run() == .halted)
            #expect(try slot.takeDirtyPages().ranges(limit: 99) == [3..<4])
            #expect(try slot.takeDirtyPages().count == 0)
        }
    }

    /// What a flush relies on: if each page is read after the log is taken, every store is read sooner or later.
    @Test func noStoreIsLostWhileTheLogIsTaken() throws {
        // mov [0x203000], eax; inc eax; cmp eax, 20000; jne to the beginning; hlt
        let code: [UInt8] = [0xa3, 0x00, 0x30, 0x20, 0, 0x40, 0x3d, 0x20, 0x4e, 0, 0, 0x75, 0xf3, 0xf4]
        let machine = try TinyMachine(code)
        let mapping = try HostMapping(.anonymous(reserve: false), byteCount: 128 << 12)
        let slot = try MemorySlot(
            machine.machine, number: 1, guestAddress: 0x20_0000, mapping: mapping, logsStores: true)
        let (processor, exits, hasEnded) = (machine.processor, machine.exits, try EventFD())
        let thread = try HostThread(name: "guest") {
            #expect(processor.run(exits) == .halted)
            hasEnded.signal()
        }
        var (copies, last, isLast) = (0, [UInt8](), false)
        while !isLast {
            isLast = hasEnded.isSignalled
            guard try slot.takeDirtyPages().contains(3) else { continue }
            last = try mapping.bytes(at: 3 << 12, count: 4)
            copies += 1
        }
        thread.join()
        #expect(last == [0x1f, 0x4e, 0, 0] && copies > 1, "\(last), \(copies) copies")
    }

    @Test func withoutALogEveryPageCounts() throws {
        let machine = try TinyMachine(Self.code)
        let mapping = try HostMapping(.anonymous(reserve: false), byteCount: 70 << 12)
        let slot = try MemorySlot(machine.machine, number: 1, guestAddress: 0x20_0000, mapping: mapping)
        #expect(try slot.takeDirtyPages() == .all(pageCount: 70))
    }
}
