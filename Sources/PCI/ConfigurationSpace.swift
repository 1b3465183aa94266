/// Offsets and bits of the type 0 header (PCI 3.0, section 6.1 and 6.2).
enum Header {
    static let vendor = 0x00
    static let device = 0x02
    static let command = 0x04
    static let status = 0x06
    static let revision = 0x08
    static let classCode = 0x09
    static let cacheLineSize = 0x0c
    static let firstBAR = 0x10
    static let subsystemVendor = 0x2c
    static let subsystem = 0x2e
    static let capabilitiesPointer = 0x34
    static let interruptLine = 0x3c
    static let firstCapability = 0x40
    static let endOfCapabilities = 0x100
    /// With the extended configuration space of PCI Express.
    static let byteCount = 0x1000

    static let commandMemory: UInt64 = 1 << 1
    static let commandBusMaster: UInt64 = 1 << 2
    static let commandInterruptDisable: UInt64 = 1 << 10
    static let statusCapabilities: UInt64 = 1 << 4
    /// Error bits that a stored 1 clears; none is ever set here.
    static let statusErrors: UInt64 = 0xf900
}

/// What a function says that it is.
public struct Identity: Sendable {
    public var vendor: UInt16
    public var device: UInt16
    public var revision: UInt8
    /// Base class, subclass and programming interface in 24 bits, such as 0x060000 for a host bridge.
    public var classCode: UInt32
    public var subsystemVendor: UInt16
    public var subsystem: UInt16

    public init(
        vendor: UInt16, device: UInt16, revision: UInt8 = 0, classCode: UInt32,
        subsystemVendor: UInt16 = 0, subsystem: UInt16 = 0
    ) {
        self.vendor = vendor
        self.device = device
        self.revision = revision
        self.classCode = classCode
        self.subsystemVendor = subsystemVendor
        self.subsystem = subsystem
    }
}

/// The configuration space of an endpoint: 4096 bytes, a type 0 header, a list of capabilities, no extended ones, and
/// no interrupt pin. A value: a change notifies no observer; `Function` does that.
public struct ConfigurationSpace: Sendable {
    /// In order of index.
    public let bars: [BaseAddressRegister]
    private var registers = RegisterTable(byteCount: Header.byteCount)
    private var endOfCapabilities = Header.firstCapability
    /// Where the next capability's offset is to be written.
    private var lastNextPointer = Header.capabilitiesPointer

    /// - Throws: `overlappingBAR`.
    public init(_ identity: Identity, bars: [BaseAddressRegister] = []) throws(ConfigurationError) {
        self.bars = bars.sorted { $0.index < $1.index }
        var taken: Set<Int> = []
        for bar in self.bars {
            for index in bar.indices where !taken.insert(index).inserted { throw .overlappingBAR(bar.index) }
        }
        define(identity)
        for bar in self.bars {
            registers.define(
                at: bar.offset, byteCount: bar.registerByteCount, value: bar.typeBits, writable: bar.addressMask)
        }
    }

    private mutating func define(_ identity: Identity) {
        registers.define(at: Header.vendor, byteCount: 2, value: UInt64(identity.vendor))
        registers.define(at: Header.device, byteCount: 2, value: UInt64(identity.device))
        registers.define(
            at: Header.command, byteCount: 2,
            writable: Header.commandMemory | Header.commandBusMaster | Header.commandInterruptDisable)
        registers.define(at: Header.status, byteCount: 2, clearedByOne: Header.statusErrors)
        registers.define(at: Header.revision, byteCount: 1, value: UInt64(identity.revision))
        registers.define(at: Header.classCode, byteCount: 3, value: UInt64(identity.classCode))
        // Software may keep numbers in these two; they mean nothing to a function without an interrupt pin.
        registers.define(at: Header.cacheLineSize, byteCount: 1, writable: 0xff)
        registers.define(at: Header.interruptLine, byteCount: 1, writable: 0xff)
        registers.define(at: Header.subsystemVendor, byteCount: 2, value: UInt64(identity.subsystemVendor))
        registers.define(at: Header.subsystem, byteCount: 2, value: UInt64(identity.subsystem))
    }

    /// Appends a capability to the list.
    ///
    /// - Parameters:
    ///   - body: what follows the identifier and the pointer to the next one.
    ///   - writable: the bits of `body` that a store changes; bytes that are missing are read-only.
    /// - Returns: the capability's offset in bytes, a multiple of 4.
    /// - Throws: `noRoomForCapability`.
    @discardableResult
    public mutating func addCapability(
        identifier: UInt8, body: [UInt8], writable: [UInt8] = []
    ) throws(ConfigurationError) -> Int {
        let offset = endOfCapabilities
        let end = (offset + 2 + body.count + 3) & ~3
        guard end <= Header.endOfCapabilities else { throw .noRoomForCapability(identifier) }
        registers.define(at: offset, byteCount: 1, value: UInt64(identifier))
        for (position, byte) in body.enumerated() {
            let mask = position < writable.count ? writable[position] : 0
            registers.define(at: offset + 2 + position, byteCount: 1, value: UInt64(byte), writable: UInt64(mask))
        }
        registers.set(UInt64(offset), at: lastNextPointer, byteCount: 1)
        registers.set(Header.statusCapabilities, at: Header.status, byteCount: 2)
        lastNextPointer = offset + 1
        endOfCapabilities = end
        return offset
    }
}

// MARK: - Accesses

extension ConfigurationSpace {
    /// A load of any width; past the 4096 bytes it answers all ones.
    public func load(at offset: Int, byteCount: Int) -> UInt64 {
        guard (0..<Header.byteCount).contains(offset) else { return allOnes(byteCount: byteCount) }
        return registers.load(at: offset, byteCount: byteCount)
    }

    /// A store of any width; read-only bits and what lies past the end keep what they have.
    public mutating func store(_ value: UInt64, at offset: Int, byteCount: Int) {
        registers.store(value, at: offset, byteCount: byteCount)
    }

    /// Whether the function answers memory accesses in its BARs.
    public var decodesMemory: Bool { command & Header.commandMemory != 0 }

    /// Whether the function may access memory itself; message-signalled interrupts are such accesses.
    public var isBusMaster: Bool { command & Header.commandBusMaster != 0 }

    /// The address that a BAR holds, decoded or not; 0 until one is written.
    public func programmedAddress(of bar: BaseAddressRegister) -> UInt64 {
        registers.load(at: bar.offset, byteCount: bar.registerByteCount) & bar.addressMask
    }

    /// Writes an address into a BAR as firmware would; bits below the BAR's size are dropped.
    public mutating func setAddress(_ address: UInt64, of bar: BaseAddressRegister) {
        registers.store(address, at: bar.offset, byteCount: bar.registerByteCount)
    }

    /// Where each BAR's range is now. A BAR that holds 0 was never given an address, and decodes nothing.
    public var mappings: [BARMapping] {
        bars.map { bar in
            let address = programmedAddress(of: bar)
            return BARMapping(
                index: bar.index, address: decodesMemory && address != 0 ? address : nil, byteCount: bar.byteCount)
        }
    }

    private var command: UInt64 { registers.load(at: Header.command, byteCount: 2) }
}
