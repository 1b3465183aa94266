import GuestMemory
import Host
import PCI
import Synchronization
import TestSupport
import VFIOUser

/// A function with a BAR of registers and one of storage: no more than a session needs, so that a run takes
/// microseconds.
struct FuzzDevice {
    let memory = GuestAddressSpace()
    let served: ServedDevice

    private static let storage = Result { try MemoryFile(byteCount: 1 << 20) }

    init() throws {
        let storage = try Self.storage.get()
        let function = try Function(
            Identity(vendor: 0x1af4, device: 0x105b, classCode: 0xff00),
            bars: [
                BaseAddressRegister(index: 2, byteCount: 4096, width: .bits32, contents: FuzzRegisters()),
                BaseAddressRegister(index: 4, byteCount: 2 << 20, width: .bits64, isPrefetchable: true, contents: nil),
            ])
        served = ServedDevice(
            function: function, memory: memory, interrupts: ClientInterrupts(count: 2),
            storage: .init(
                bar: 4, mapping: try storage.map(byteCount: 1 << 20), descriptor: storage.descriptor,
                fileOffset: 0,
                name: "fuzz"),
            doorbells: [.init(bar: 2, offset: 8, byteCount: 0)],
            reset: { completion in
                function.reset()
                completion()
            })
    }
}

private final class FuzzRegisters: RegisterBlock {
    private let table = Mutex(FuzzRegisters.makeTable())

    private static func makeTable() -> RegisterTable {
        var table = RegisterTable(byteCount: 4096)
        table.define(at: 0, byteCount: 8, writable: .max)
        return table
    }

    func load(at offset: UInt64, byteCount: Int) -> UInt64 {
        table.withLock { $0.load(at: Int(clamping: offset), byteCount: byteCount) }
    }

    func store(_ value: UInt64, at offset: UInt64, byteCount: Int) {
        table.withLock { $0.store(value, at: Int(clamping: offset), byteCount: byteCount) }
    }
}
