import GuestMemory
import Host
import Synchronization
import Virtio

/// A device with two queues that records how it is called, and whose deactivation ends when the test says so.
final class FakeDevice: VirtioDevice {
    struct Refusal: Error {}

    struct Record {
        var activations: [Activation] = []
        var writes: [UInt64] = []
        var bytes: [UInt8] = Array(1...12)
        var completion: (@Sendable () -> Void)?
        var deactivationCount = 0
    }

    let traits = DeviceTraits(deviceID: 42, features: 0b101, maximumQueueSizes: [256, 64])
    let doorbells: [EventFD]
    let record = Mutex(Record())
    private let endsAtOnce: Bool
    private let refuses: Bool

    init(endsAtOnce: Bool = true, refuses: Bool = false) throws {
        self.endsAtOnce = endsAtOnce
        self.refuses = refuses
        doorbells = [try EventFD(), try EventFD()]
    }

    func configuration(acceptedFeatures: UInt64) -> [UInt8] { record.withLock { $0.bytes } }

    func writeConfiguration(_ value: UInt64, byteCount: Int, at offset: Int) {
        record.withLock { $0.writes.append(value) }
    }

    func activate(_ activation: Activation) throws {
        if refuses { throw Refusal() }
        record.withLock { $0.activations.append(activation) }
    }

    func deactivate(_ completion: @escaping @Sendable () -> Void) {
        record.withLock { record in
            record.deactivationCount += 1
            record.completion = completion
        }
        if endsAtOnce { completion() }
    }

    var activations: [Activation] { record.withLock { $0.activations } }

    func endDeactivation() {
        let completion = record.withLock { $0.completion }
        completion?()
    }
}
