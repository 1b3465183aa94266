extension Request {
    /// Takes a command's payload apart.
    ///
    /// - Throws: `unsupported` for a command that there is not; `invalid` for a payload that is shorter or longer than
    ///   the command's, and for flags that exclude each other.
    public init(command: UInt16, payload: ArraySlice<UInt8>) throws(Refusal) {
        guard let command = Command(rawValue: command) else { throw .unsupported }
        var reader = WireReader(payload)
        guard let request = try Self.parse(command, &reader), reader.rest.isEmpty else { throw .invalid }
        self = request
    }

    /// - Returns: nil where the payload ends too early.
    private static func parse(_ command: Command, _ reader: inout WireReader) throws(Refusal) -> Request? {
        switch command {
        case .version: try VersionProposal(&reader).map { .version($0) }
        case .mapMemory: try MemoryMapping(&reader).map { .mapMemory($0) }
        case .unmapMemory: try MemoryUnmapping(&reader).map { .unmapMemory($0) }
        case .deviceInformation: try query(&reader, fieldCount: 4).map { _ in .deviceInformation }
        case .regionInformation: try regionInformation(&reader)
        case .regionDescriptors:
            try query(&reader, fieldCount: 4).map { .regionDescriptors(index: $0[2], capacity: $0[0]) }
        case .interruptInformation: try query(&reader, fieldCount: 4).map { .interruptInformation(index: $0[2]) }
        case .setInterrupts: try InterruptSetting(&reader).map { .setInterrupts($0) }
        case .readRegion: RegionAccess(&reader).map { .readRegion($0) }
        case .writeRegion: writeRegion(&reader)
        case .writeRegions: writeRegions(&reader)
        case .reset: .reset
        }
    }

    /// A structure of 32-bit fields whose first is the capacity for its own reply ("Message sizes").
    private static func query(_ reader: inout WireReader, fieldCount: Int) throws(Refusal) -> [UInt32]? {
        var fields: [UInt32] = []
        for _ in 0..<fieldCount {
            guard let field = reader.take(UInt32.self) else { return nil }
            fields.append(field)
        }
        guard fields[0] >= UInt32(fieldCount * 4) else { throw .invalid }
        return fields
    }

    private static func regionInformation(_ reader: inout WireReader) throws(Refusal) -> Request? {
        guard let capacity = reader.take(UInt32.self), reader.take(UInt32.self) != nil,
            let index = reader.take(UInt32.self), reader.take(UInt32.self) != nil,
            reader.take(UInt64.self) != nil, reader.take(UInt64.self) != nil
        else { return nil }
        guard capacity >= RegionInformation.byteCount else { throw .invalid }
        return .regionInformation(index: index, capacity: capacity)
    }

    private static func writeRegion(_ reader: inout WireReader) -> Request? {
        guard let access = RegionAccess(&reader), UInt64(reader.rest.count) == UInt64(access.byteCount) else {
            return nil
        }
        let data = Array(reader.rest)
        reader = WireReader([])
        return .writeRegion(access, data)
    }

    private static func writeRegions(_ reader: inout WireReader) -> Request? {
        guard let count = reader.take(UInt64.self), count == UInt64(reader.rest.count) / 24 else { return nil }
        var writes: [RegionWrite] = []
        for _ in 0..<count {
            guard let access = RegionAccess(&reader), let data = reader.take(UInt64.self),
                (1...8).contains(access.byteCount)
            else { return nil }
            var bytes = WireWriter()
            bytes.put(data)
            writes.append(RegionWrite(access: access, data: Array(bytes.bytes.prefix(Int(access.byteCount)))))
        }
        return .writeRegions(writes)
    }
}

extension RegionAccess {
    init?(_ reader: inout WireReader) {
        guard let offset = reader.take(UInt64.self), let region = reader.take(UInt32.self),
            let byteCount = reader.take(UInt32.self)
        else { return nil }
        self.init(offset: offset, region: region, byteCount: byteCount)
    }
}

extension MemoryMapping {
    static let byteCount: UInt32 = 32

    init?(_ reader: inout WireReader) throws(Refusal) {
        guard let argumentSize = reader.take(UInt32.self), let flags = reader.take(UInt32.self),
            let offset = reader.take(UInt64.self), let address = reader.take(UInt64.self),
            let byteCount = reader.take(UInt64.self)
        else { return nil }
        guard argumentSize >= Self.byteCount else { throw .invalid }
        self.init(flags: flags, offset: offset, address: address, byteCount: byteCount)
    }
}

extension MemoryUnmapping {
    static let byteCount: UInt32 = 24

    init?(_ reader: inout WireReader) throws(Refusal) {
        guard let capacity = reader.take(UInt32.self), let flags = reader.take(UInt32.self),
            let address = reader.take(UInt64.self), let byteCount = reader.take(UInt64.self)
        else { return nil }
        guard capacity >= Self.byteCount else { throw .invalid }
        self.init(capacity: capacity, flags: flags, address: address, byteCount: byteCount)
    }
}

extension InterruptSetting {
    static let byteCount: UInt32 = 20

    private static let dataMask: UInt32 = 0b000_111
    private static let actionMask: UInt32 = 0b111_000

    init?(_ reader: inout WireReader) throws(Refusal) {
        guard let argumentSize = reader.take(UInt32.self), let flags = reader.take(UInt32.self),
            let index = reader.take(UInt32.self), let start = reader.take(UInt32.self),
            let count = reader.take(UInt32.self)
        else { return nil }
        guard argumentSize >= Self.byteCount, flags & ~(Self.dataMask | Self.actionMask) == 0 else { throw .invalid }
        let data = try Self.data(flags & Self.dataMask, count, &reader)
        self.init(
            data: data, action: try Self.action(flags & Self.actionMask), index: index, start: start, count: count)
    }

    /// Exactly one kind of data ("VFIO_USER_DEVICE_SET_IRQS").
    private static func data(_ flags: UInt32, _ count: UInt32, _ reader: inout WireReader) throws(Refusal) -> Data {
        switch flags {
        case 1 << 0: return .none
        case 1 << 1:
            guard UInt64(reader.rest.count) == UInt64(count) else { throw .invalid }
            let bytes = Array(reader.rest)
            reader = WireReader([])
            return .flags(bytes)
        case 1 << 2: return .descriptors
        default: throw .invalid
        }
    }

    /// Exactly one action.
    private static func action(_ flags: UInt32) throws(Refusal) -> Action {
        switch flags {
        case 1 << 3: .mask
        case 1 << 4: .unmask
        case 1 << 5: .trigger
        default: throw .invalid
        }
    }
}
