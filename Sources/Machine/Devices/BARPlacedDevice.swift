import Host
import Virtio
import VirtioPMem

/// A persistent memory device whose memory is a BAR.
///
/// A driver that accepts the shared memory region reads 0 for start and size (virtio 1.3, section 5.19.5.1). One that does not know
/// that feature, such as Linux before 6.8, reads where the BAR is now, since that is where the memory is (section 5.19.4). While
/// the BAR is off, both are 0.
final class BARPlacedDevice: VirtioDevice {
    private let device: PMemDevice
    private let place: MovingRange

    init(_ device: PMemDevice, place: MovingRange) {
        self.device = device
        self.place = place
    }

    var deviceID: UInt16 { device.deviceID }
    var deviceFeatures: UInt64 { device.deviceFeatures }
    var maximumQueueSizes: [UInt16] { device.maximumQueueSizes }
    var doorbells: [EventFD] { device.doorbells }

    func configuration(acceptedFeatures: UInt64) -> [UInt8] {
        if acceptedFeatures & PMemDevice.sharedMemoryRegionFeature != 0 {
            return device.configuration(acceptedFeatures: acceptedFeatures)
        }
        let range = place.value
        return [range?.start.rawValue ?? 0, range?.byteCount ?? 0].flatMap { field in
            (0..<8).map { UInt8(truncatingIfNeeded: field >> ($0 * 8)) }
        }
    }

    func writeConfiguration(_ value: UInt64, byteCount: Int, at offset: Int) {
        device.writeConfiguration(value, byteCount: byteCount, at: offset)
    }

    func activate(_ activation: Activation) throws { try device.activate(activation) }

    func deactivate(_ completion: @escaping @Sendable () -> Void) { device.deactivate(completion) }
}
