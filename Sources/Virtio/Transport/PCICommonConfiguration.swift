import PCI

/// The common configuration structure (virtio 1.3, section 4.1.4.3): the transport core's registers at their offsets.
///
/// Drivers access each field with its own width, and a 64-bit one as two halves (section 4.1.3.1). Beyond that, a load
/// of any width sees all bytes that it covers, and a store changes the fields that it covers wholly.
final class PCICommonConfiguration: RegisterBlock {
    /// The size of the structure in bytes, up to the administration queue's fields.
    static let byteCount: UInt64 = 0x40

    private let core: TransportCore

    init(core: TransportCore) {
        self.core = core
    }

    func load(at offset: UInt64, byteCount: Int) -> UInt64 {
        guard offset < Self.byteCount, (1...8).contains(byteCount) else { return 0 }
        var result: UInt64 = 0
        for field in Field.all where field.overlaps(Int(offset), byteCount) {
            let value = UInt64(field.load(core))
            let shift = (field.offset - Int(offset)) * 8
            result |= shift >= 0 ? value << UInt64(shift) : value >> UInt64(-shift)
        }
        return lowBytes(result, byteCount)
    }

    func store(_ value: UInt64, at offset: UInt64, byteCount: Int) {
        guard offset < Self.byteCount, (1...8).contains(byteCount) else { return }
        for field in Field.all where field.isCovered(by: Int(offset), byteCount) {
            let shifted = value >> UInt64((field.offset - Int(offset)) * 8)
            field.store?(core, UInt32(truncatingIfNeeded: lowBytes(shifted, field.byteCount)))
        }
    }
}

/// A register, or half of a 64-bit one.
private struct Field: Sendable {
    let offset: Int
    let byteCount: Int
    let load: @Sendable (TransportCore) -> UInt32
    /// nil for what the driver only reads.
    let store: (@Sendable (TransportCore, UInt32) -> Void)?

    init(
        _ offset: Int, _ byteCount: Int, _ load: @escaping @Sendable (TransportCore) -> UInt32,
        store: (@Sendable (TransportCore, UInt32) -> Void)? = nil
    ) {
        self.offset = offset
        self.byteCount = byteCount
        self.load = load
        self.store = store
    }

    func overlaps(_ start: Int, _ count: Int) -> Bool { start < offset + byteCount && offset < start + count }

    func isCovered(by start: Int, _ count: Int) -> Bool { start <= offset && offset + byteCount <= start + count }

    /// In the order of the structure. queue_notify_data, queue_reset and the administration queue's fields are absent,
    /// so they read as zero: their features are not offered.
    static let all = features + interruptsAndStatus + queue + areas

    private static let features = [
        Field(0x00, 4, { $0.deviceFeatureSelect }, store: { $0.selectDeviceFeatures($1) }),
        Field(0x04, 4, { $0.deviceFeatures }),
        Field(0x08, 4, { $0.driverFeatureSelect }, store: { $0.selectDriverFeatures($1) }),
        Field(0x0c, 4, { $0.driverFeatures }, store: { $0.writeDriverFeatures($1) }),
    ]

    private static let interruptsAndStatus = [
        Field(
            0x10, 2, { UInt32($0.configurationVector) },
            store: { $0.writeConfigurationVector(UInt16(truncatingIfNeeded: $1)) }),
        Field(0x12, 2, { UInt32(truncatingIfNeeded: $0.queueCount) }),
        Field(0x14, 1, { UInt32($0.status.rawValue) }, store: { $0.writeStatus(UInt8(truncatingIfNeeded: $1)) }),
        Field(0x15, 1, { UInt32($0.configurationGeneration) }),
    ]

    private static let queue = [
        Field(0x16, 2, { UInt32($0.selectedQueue) }, store: { $0.selectQueue(UInt16(truncatingIfNeeded: $1)) }),
        Field(0x18, 2, { UInt32($0.queueSize) }, store: { $0.writeQueueSize(UInt16(truncatingIfNeeded: $1)) }),
        Field(0x1a, 2, { UInt32($0.queueVector) }, store: { $0.writeQueueVector(UInt16(truncatingIfNeeded: $1)) }),
        Field(0x1c, 2, { $0.isQueueEnabled ? 1 : 0 }, store: { $0.writeQueueEnable(UInt16(truncatingIfNeeded: $1)) }),
        // queue_notify_off: every queue has a doorbell of its own.
        Field(0x1e, 2, { Int($0.selectedQueue) < $0.queueCount ? UInt32($0.selectedQueue) : 0 }),
    ]

    private static let areas = halves(0x20, .descriptor) + halves(0x28, .driver) + halves(0x30, .device)

    private static func halves(_ offset: Int, _ area: QueueArea) -> [Field] {
        [
            Field(
                offset, 4, { UInt32(truncatingIfNeeded: $0.queueAddress(area)) },
                store: { $0.writeQueueAddress(area, low: $1) }),
            Field(
                offset + 4, 4, { UInt32(truncatingIfNeeded: $0.queueAddress(area) >> 32) },
                store: { $0.writeQueueAddress(area, high: $1) }),
        ]
    }
}
