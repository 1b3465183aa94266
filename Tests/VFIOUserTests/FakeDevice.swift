import GuestMemory
import Host
import PCI
import Synchronization
import TestSupport
@testable import VFIOUser

/// A function with a BAR of registers and one of storage, whose reset is counted.
final class FakeDevice: Sendable {
    /// 16 bytes of memory that count the stores.
    final class Registers: RegisterBlock {
        private let state = Mutex((table: FakeDevice.table(), stores: [(UInt64, UInt64, Int)]()))

        func load(at offset: UInt64, byteCount: Int) -> UInt64 {
            state.withLock { $0.table.load(at: Int(clamping: offset), byteCount: byteCount) }
        }

        func store(_ value: UInt64, at offset: UInt64, byteCount: Int) {
            state.withLock {
                $0.table.store(value, at: Int(clamping: offset), byteCount: byteCount)
                $0.stores.append((offset, value, byteCount))
            }
        }

        var stores: [(offset: UInt64, value: UInt64, byteCount: Int)] { state.withLock { $0.stores } }
    }

    static let storageByteCount = 3 << 20
    static let fileOffset: UInt64 = 8192

    let registers = Registers()
    let memory = GuestAddressSpace()
    let interrupts = ClientInterrupts(count: 2)
    let storageFile: MemoryFile
    let served: ServedDevice
    private let resets = Resets()

    private final class Resets: Sendable { let count = Atomic(0) }

    var resetCount: Int { resets.count.load(ordering: .relaxed) }

    /// - Parameter readOnly: of the storage.
    init(readOnly: Bool = false) throws {
        storageFile = try MemoryFile(byteCount: UInt64(Self.storageByteCount) + Self.fileOffset)
        let mapping = try HostMapping(
            .file(storageFile.descriptor.rawValue, offset: Self.fileOffset, shared: true, reserve: true),
            byteCount: Self.storageByteCount, readOnly: readOnly, isSealed: true)
        let function = try Function(
            Identity(vendor: 0x1af4, device: 0x105b, classCode: 0xff00),
            bars: [
                BaseAddressRegister(index: 2, byteCount: 4096, width: .bits32, contents: registers),
                BaseAddressRegister(index: 4, byteCount: 4 << 20, width: .bits64, isPrefetchable: true, contents: nil),
            ])
        let resets = resets
        served = ServedDevice(
            function: function, memory: memory, interrupts: interrupts,
            storage: .init(
                bar: 4, mapping: mapping, descriptor: storageFile.descriptor, fileOffset: Self.fileOffset,
                name: "nv1"),
            doorbells: [.init(bar: 2, offset: 8, byteCount: 0)],
            reset: { completion in
                resets.count.wrappingAdd(1, ordering: .relaxed)
                function.reset()
                completion()
            })
    }

    private static func table() -> RegisterTable {
        var table = RegisterTable(byteCount: 4096)
        table.define(at: 0, byteCount: 8, writable: .max)
        table.define(at: 8, byteCount: 8, writable: .max)
        return table
    }
}

extension Session {
    /// A message that needs no socket.
    func ask(
        _ command: UInt16, _ payload: [UInt8] = [], descriptors: [SharedDescriptor] = [], flags: UInt32 = 0
    ) -> Outcome {
        let header = MessageHeader(
            identifier: 7, command: command, messageByteCount: UInt32(16 + payload.count), flags: flags)
        return handle(Message(header: header, payload: payload, descriptors: descriptors))
    }

    static func negotiated(_ device: FakeDevice, relays: [DoorbellRelay] = []) -> Session {
        let session = Session(device.served, relays: relays)
        _ = session.ask(1, [0, 0, 1, 0] + VFIOUserClient.version + [0])
        return session
    }
}

extension Outcome {
    /// The errno of a refusal; 0 for a reply that is none; nil for no reply.
    var errorNumber: UInt32? {
        guard case .reply(let bytes, _) = self, let header = MessageHeader(bytes[...]) else { return nil }
        return header.flags & MessageHeader.error == 0 ? 0 : header.errorNumber
    }

    var payload: [UInt8] {
        if case .reply(let bytes, _) = self { Array(bytes.dropFirst(16)) } else { [] }
    }

    var ends: Bool { if case .end = self { true } else { false } }
}
