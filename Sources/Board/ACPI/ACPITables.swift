import GuestMemory

/// What the tables describe.
public struct ACPIConfiguration: Sendable {
    /// The hot-plug slots of PCI bus 0.
    public struct HotPlug: Sendable {
        /// Where the slots' registers (`HotPlugSlots`) are, guest-physical.
        public var registers: GuestAddress
        /// The device numbers that can be plugged, within 1 to 31: 0 is the host bridge.
        public var slots: ClosedRange<Int>

        public init(
            registers: GuestAddress = BoardLayout.hotPlugRegisters.start, slots: ClosedRange<Int> = 1...31
        ) {
            self.registers = registers
            self.slots = slots.clamped(to: 1...31)
        }
    }

    public var board: BoardLayout
    /// The local APIC's identifier of each processor, in order.
    public var apicIdentifiers: [UInt32]
    /// nil without hot-plug.
    public var hotPlug: HotPlug?

    public init(board: BoardLayout, apicIdentifiers: [UInt32], hotPlug: HotPlug? = HotPlug()) {
        self.board = board
        self.apicIdentifiers = apicIdentifiers
        self.hotPlug = hotPlug
    }
}

/// The tables, encoded, and where each goes.
public struct ACPITables: Sendable {
    /// One table: its name and what is written where.
    public struct Placed: Sendable {
        /// The signature, "RSDP" for the root pointer.
        public let name: String
        public let address: GuestAddress
        public let bytes: [UInt8]
    }

    /// In order of address; the root pointer first.
    public let tables: [Placed]
    /// The root pointer's address, for the boot parameters; a guest that scans finds it too.
    public var rsdp: GuestAddress { LowMemory.acpiTables }

    /// - Throws: `tablesTooLarge`, with some thousand processors.
    public init(_ configuration: ACPIConfiguration) throws(BootError) {
        var placement = Placement(next: LowMemory.acpiTables.rawValue + 64)
        let dsdt = placement.place(DSDT.table(configuration))
        let listed = [
            FADT.table(dsdt: dsdt), MADT.table(apicIdentifiers: configuration.apicIdentifiers), MCFG.table,
        ].map { placement.place($0) }
        let xsdt = placement.place(XSDT.table(listed))
        let byteCount = placement.next - LowMemory.acpiTables.rawValue
        guard byteCount <= LowMemory.acpiByteCount else {
            throw .tablesTooLarge(byteCount: byteCount, limit: LowMemory.acpiByteCount)
        }
        let root = Placed(name: "RSDP", address: LowMemory.acpiTables, bytes: RSDP(xsdt: xsdt).bytes)
        tables = [root] + placement.tables
    }

    /// Writes every table. The guest may overwrite them: after a reset they have to be written again.
    public func write(to memory: MemoryMap) throws(GuestMemoryError) {
        for table in tables { try memory.write(table.bytes, at: table.address) }
    }

    private struct Placement {
        var next: UInt64
        var tables: [Placed] = []

        mutating func place(_ table: SystemDescriptionTable) -> GuestAddress {
            let (address, bytes) = (GuestAddress(next), table.bytes)
            tables.append(Placed(name: table.signature, address: address, bytes: bytes))
            next = (next + UInt64(bytes.count) + 15) & ~15
            return address
        }
    }
}
