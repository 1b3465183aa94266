import GuestMemory
import Host
import PCI
import Synchronization
import Virtio

/// A device with two queues and ten bytes of configuration that remembers what was done with it.
final class ProbeDevice: VirtioDevice {
    struct Record {
        var activations: [Activation] = []
        var deactivationCount = 0
        var configuration: [UInt8] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
    }

    let traits = DeviceTraits(
        deviceID: 27, pciClassCode: 0x018000, features: 1, maximumQueueSizes: [128, 64], sharedMemoryRegionID: 0)
    let doorbells: [EventFD]
    let record = Mutex(Record())

    init() throws {
        doorbells = [try EventFD(), try EventFD()]
    }

    func configuration(acceptedFeatures: UInt64) -> [UInt8] { record.withLock { $0.configuration } }

    func writeConfiguration(_ value: UInt64, byteCount: Int, at offset: Int) {
        record.withLock { record in
            for index in 0..<byteCount {
                record.configuration[offset + index] = UInt8(truncatingIfNeeded: value >> UInt64(index * 8))
            }
        }
    }

    func activate(_ activation: Activation) throws { record.withLock { $0.activations.append(activation) } }

    func deactivate(_ completion: @escaping @Sendable () -> Void) {
        record.withLock { $0.deactivationCount += 1 }
        completion()
    }

    var activations: [Activation] { record.withLock { $0.activations } }
    var deactivationCount: Int { record.withLock { $0.deactivationCount } }
}

/// The vectors' messages, and the signals that arrived while there was none.
final class VectorTable: InterruptMessageSink {
    private struct State {
        var messages: [Int: InterruptMessage] = [:]
        var pending: Set<Int> = []
        var sent: [InterruptMessage] = []
    }

    private let state = Mutex(State())

    func setMessage(_ message: InterruptMessage?, forVector vector: Int) {
        state.withLock { state in
            state.messages[vector] = message
            if let message, state.pending.remove(vector) != nil { state.sent.append(message) }
        }
    }

    func isPending(vector: Int) -> Bool { state.withLock { $0.pending.contains(vector) } }

    func signal(_ vector: Int) {
        state.withLock { state in
            if let message = state.messages[vector] { state.sent.append(message) } else { state.pending.insert(vector) }
        }
    }

    /// The messages that were written since the last time.
    func takeSent() -> [InterruptMessage] {
        state.withLock { state in
            defer { state.sent = [] }
            return state.sent
        }
    }
}

struct VectorLine: InterruptLine {
    let vectors: VectorTable
    let vector: Int

    func signal() { vectors.signal(vector) }
}
