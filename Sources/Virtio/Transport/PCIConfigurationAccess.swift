import PCI
import Synchronization

/// The part of the VIRTIO_PCI_CAP_PCI_CFG capability that does something: it reaches into the BARs through
/// configuration space, for drivers that cannot map them (virtio 1.3, section 4.1.4.9).
final class PCIConfigurationAccess: RegisterBlock {
    /// Offsets from the fifth byte of the capability.
    private enum Register {
        static let bar = 0
        static let offset = 4
        static let length = 8
        static let data = 12
        static let byteCount = 16
    }

    /// What the driver selected.
    private struct Target {
        let block: any RegisterBlock
        let offset: UInt64
        let byteCount: Int
    }

    private let blocks: [Int: any RegisterBlock]
    private let registers: Mutex<RegisterTable>

    /// - Parameter blocks: what answers in each BAR, by its index.
    init(blocks: [Int: any RegisterBlock]) {
        self.blocks = blocks
        registers = Mutex(Self.freshRegisters())
    }

    private static func freshRegisters() -> RegisterTable {
        var table = RegisterTable(byteCount: Register.byteCount)
        table.define(at: Register.bar, byteCount: 1, writable: 0xff)
        for register in [Register.offset, Register.length, Register.data] {
            table.define(at: register, byteCount: 4, writable: 0xffff_ffff)
        }
        return table
    }

    func reset() { registers.withLock { $0 = Self.freshRegisters() } }

    func load(at offset: UInt64, byteCount: Int) -> UInt64 {
        guard let offset = Int(exactly: offset) else { return 0 }
        if isData(offset), let target = target() {
            let value = target.block.load(at: target.offset, byteCount: target.byteCount)
            registers.withLock { $0.set(value, at: Register.data, byteCount: target.byteCount) }
        }
        return registers.withLock { $0.load(at: offset, byteCount: byteCount) }
    }

    func store(_ value: UInt64, at offset: UInt64, byteCount: Int) {
        guard let offset = Int(exactly: offset) else { return }
        let data = registers.withLock { registers in
            registers.store(value, at: offset, byteCount: byteCount)
            return registers.load(at: Register.data, byteCount: 4)
        }
        guard isData(offset), let target = target() else { return }
        target.block.store(lowBytes(data, target.byteCount), at: target.offset, byteCount: target.byteCount)
    }

    private func isData(_ offset: Int) -> Bool {
        (Register.data..<Register.byteCount).contains(offset)
    }

    /// nil for what the driver must not select: a length other than 1, 2 and 4, an offset that is no multiple of it, a
    /// BAR that does not exist.
    private func target() -> Target? {
        let (bar, offset, length) = registers.withLock {
            (
                Int($0.load(at: Register.bar, byteCount: 1)), $0.load(at: Register.offset, byteCount: 4),
                $0.load(at: Register.length, byteCount: 4)
            )
        }
        guard let block = blocks[bar], length == 1 || length == 2 || length == 4, offset % length == 0 else {
            return nil
        }
        return Target(block: block, offset: offset, byteCount: Int(length))
    }
}
