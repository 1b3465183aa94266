import GuestMemory

/// What a device occupies, as `_CRS` lists it (ACPI 6.5, section 6.4).
enum Resource {
    /// I/O ports of the device.
    case ports(first: UInt16, count: UInt8)
    /// An interrupt line: edge triggered, active high, exclusive.
    case interrupt(UInt32)
    /// Memory of the device that lies below 4 GiB.
    case memory(GuestRange)
    /// Bus numbers that a bridge hands on.
    case buses(ClosedRange<UInt8>)
    /// Memory that a bridge hands on; of 32 or 64 bits, as the addresses need.
    case window(GuestRange)

    var bytes: [UInt8] {
        switch self {
        case .ports(let first, let count): Self.ports(first, count)
        case .interrupt(let line): Self.interrupt(line)
        case .memory(let range): Self.memory(range)
        case .buses(let buses): Self.buses(buses)
        case .window(let range): Self.window(range)
        }
    }

    /// The template: every resource, and the end tag, whose checksum of 0 means that there is none.
    static func template(_ resources: [Resource]) -> AML {
        .buffer(resources.flatMap(\.bytes) + [0x79, 0x00])
    }

    /// Section 6.4.2.5; decodes 16 bits of address.
    private static func ports(_ first: UInt16, _ count: UInt8) -> [UInt8] {
        var bytes: [UInt8] = [0x47, 0x01]
        bytes.append(littleEndian: first)
        bytes.append(littleEndian: first)
        return bytes + [0x01, count]
    }

    /// Section 6.4.3.6: consumer, edge triggered.
    private static func interrupt(_ line: UInt32) -> [UInt8] {
        var bytes: [UInt8] = [0x89, 0x06, 0x00, 0b0011, 0x01]
        bytes.append(littleEndian: line)
        return bytes
    }

    /// Section 6.4.3.4: 32-bit fixed memory, writable.
    private static func memory(_ range: GuestRange) -> [UInt8] {
        var bytes: [UInt8] = [0x86, 0x09, 0x00, 0x01]
        bytes.append(littleEndian: UInt32(truncatingIfNeeded: range.start.rawValue))
        bytes.append(littleEndian: UInt32(truncatingIfNeeded: range.byteCount))
        return bytes
    }

    /// Minimum and maximum fixed, positive decode, producer (section 6.4.3.5).
    private static let windowFlags: UInt8 = 0b1100

    private static func buses(_ buses: ClosedRange<UInt8>) -> [UInt8] {
        var bytes: [UInt8] = [0x88, 0x0D, 0x00, 0x02, windowFlags, 0x00]
        let count = UInt16(buses.upperBound - buses.lowerBound) + 1
        for value in [0, UInt16(buses.lowerBound), UInt16(buses.upperBound), 0, count] {
            bytes.append(littleEndian: value)
        }
        return bytes
    }

    /// Section 6.4.3.5.2 below 4 GiB, section 6.4.3.5.1 above: memory, writable, not cacheable.
    private static func window(_ range: GuestRange) -> [UInt8] {
        let fields = [0, range.start.rawValue, range.last.rawValue, 0, range.byteCount]
        let isNarrow = range.last.rawValue <= UInt64(UInt32.max)
        var bytes: [UInt8] = isNarrow ? [0x87, 0x17, 0x00] : [0x8A, 0x2B, 0x00]
        bytes += [0x00, windowFlags, 0x01]
        for field in fields {
            if isNarrow {
                bytes.append(littleEndian: UInt32(truncatingIfNeeded: field))
            } else {
                bytes.append(littleEndian: field)
            }
        }
        return bytes
    }
}
