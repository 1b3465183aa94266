import GuestMemory
import PCI
import Synchronization
import Virtio

/// The machine around one function as the guest sees it: the configuration ports, and memory in which BARs appear,
/// move and go as the function reports them.
final class GuestView: Sendable {
    let device: ProbeDevice
    let vectors = VectorTable()
    let transport: PCITransport
    private let ports: ConfigurationPorts
    private let ranges = Mutex<[Int: BARMapping]>([:])

    init(sharedMemory: PCITransport.SharedMemory? = nil) throws {
        device = try ProbeDevice()
        let vectors = vectors
        transport = try PCITransport(
            device: device, memory: GuestAddressSpace(), sharedMemory: sharedMemory, sink: vectors,
            interruptLine: { VectorLine(vectors: vectors, vector: $0) })
        let bus = Bus()
        ports = ConfigurationPorts(bus: bus)
        transport.function.observeMappings { [unowned self] change in ranges.withLock { $0[change.index] = change } }
        try bus.insert(transport.function, at: 2)
        guard let low = AddressWindow(start: 0xe000_0000, last: 0xe0ff_ffff) else { return }
        try bus.assignAddresses(
            to: transport.function,
            in: BARWindows(low: low, high: AddressWindow(start: 0x80_0000_0000, last: 0xff_ffff_ffff)))
    }

    func readConfiguration(_ register: UInt64, _ byteCount: Int) -> UInt64 {
        ports.store(0x8000_1000 | register & 0xfc, at: 0, byteCount: 4)
        return ports.load(at: 4 + (register & 3), byteCount: byteCount)
    }

    func writeConfiguration(_ register: UInt64, _ value: UInt64, _ byteCount: Int) {
        ports.store(0x8000_1000 | register & 0xfc, at: 0, byteCount: 4)
        ports.store(value, at: 4 + (register & 3), byteCount: byteCount)
    }

    func read(_ address: UInt64, _ byteCount: Int) -> UInt64 {
        guard let (block, offset) = block(at: address) else { return allOnes(byteCount: byteCount) }
        return block.load(at: offset, byteCount: byteCount)
    }

    func write(_ address: UInt64, _ value: UInt64, _ byteCount: Int) {
        guard let (block, offset) = block(at: address) else { return }
        block.store(value, at: offset, byteCount: byteCount)
    }

    private func block(at address: UInt64) -> (any RegisterBlock, UInt64)? {
        let mapping = ranges.withLock { ranges in
            ranges.values.first { range in
                range.address.map { address >= $0 && address - $0 < range.byteCount } ?? false
            }
        }
        guard let mapping, let start = mapping.address else { return nil }
        let bar = transport.function.bars.first { $0.index == mapping.index }
        return bar?.contents.map { ($0, address - start) }
    }

    /// Where BAR `index` is, according to its register.
    func address(ofBAR index: UInt64) -> UInt64 { readConfiguration(0x10 + index * 4, 4) & ~0xf }
}

/// A virtio capability as a driver reads it.
struct FoundCapability: Equatable {
    let offset: UInt64
    let length: UInt64
    let kind: UInt64
    let bar: UInt64
    let place: UInt64
    let byteCount: UInt64
}

extension GuestView {
    /// The vendor-specific capabilities, in the order of the list.
    var virtioCapabilities: [FoundCapability] {
        capabilities.filter { $0.identifier == 0x09 }.map { offset, _ in
            FoundCapability(
                offset: offset, length: readConfiguration(offset + 2, 1), kind: readConfiguration(offset + 3, 1),
                bar: readConfiguration(offset + 4, 1), place: readConfiguration(offset + 8, 4),
                byteCount: readConfiguration(offset + 12, 4))
        }
    }

    var capabilities: [(offset: UInt64, identifier: UInt64)] {
        var result: [(UInt64, UInt64)] = []
        var offset = readConfiguration(0x34, 1)
        while offset != 0, result.count < 48 {
            result.append((offset, readConfiguration(offset, 1)))
            offset = readConfiguration(offset + 1, 1)
        }
        return result
    }

    /// Guest-physical: where the structure of a kind begins.
    func structure(_ kind: UInt64) -> UInt64 {
        guard let found = virtioCapabilities.first(where: { $0.kind == kind }) else { return 0 }
        return address(ofBAR: found.bar) + found.place
    }

    var common: UInt64 { structure(1) }
    var notification: UInt64 { structure(2) }
    var deviceStructure: UInt64 { structure(4) }
    var interruptStatus: UInt64 { structure(3) }
}
