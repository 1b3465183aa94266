import PCI
import Synchronization

/// Remembers what it was told; the pending bits are the test's.
final class RecordingSink: InterruptMessageSink {
    struct Call: Equatable {
        let vector: Int
        let message: InterruptMessage?
    }

    private let calls = Mutex<[Call]>([])
    private let pending = Mutex<Set<Int>>([])

    func setMessage(_ message: InterruptMessage?, forVector vector: Int) {
        calls.withLock { $0.append(Call(vector: vector, message: message)) }
    }

    func isPending(vector: Int) -> Bool { pending.withLock { $0.contains(vector) } }

    func setPending(_ vectors: Set<Int>) { pending.withLock { $0 = vectors } }

    /// What was told since the last time.
    func take() -> [Call] {
        calls.withLock { calls in
            defer { calls = [] }
            return calls
        }
    }
}

/// Collects values that several threads may report.
final class Recorder<Value: Sendable>: Sendable {
    private let values = Mutex<[Value]>([])

    func append(_ value: Value) { values.withLock { $0.append(value) } }

    func take() -> [Value] {
        values.withLock { values in
            defer { values = [] }
            return values
        }
    }
}

/// Plain bytes that remember nothing but their values.
final class Scratch: RegisterBlock {
    private let bytes: Mutex<[UInt64: UInt8]> = Mutex([:])

    func load(at offset: UInt64, byteCount: Int) -> UInt64 {
        bytes.withLock { bytes in
            (0..<UInt64(byteCount)).reduce(0) { $0 | UInt64(bytes[offset &+ $1] ?? 0) << ($1 * 8) }
        }
    }

    func store(_ value: UInt64, at offset: UInt64, byteCount: Int) {
        bytes.withLock { bytes in
            for index in 0..<UInt64(byteCount) {
                bytes[offset &+ index] = UInt8(truncatingIfNeeded: value >> (index * 8))
            }
        }
    }
}

extension Function {
    func load(_ offset: UInt64, _ byteCount: Int) -> UInt64 { loadConfiguration(at: offset, byteCount: byteCount) }

    func store(_ value: UInt64, _ offset: UInt64, _ byteCount: Int) {
        storeConfiguration(value, at: offset, byteCount: byteCount)
    }

    /// The offsets of the capabilities with their identifiers, found as software finds them.
    var capabilityList: [(offset: UInt64, identifier: UInt64)] {
        var list: [(UInt64, UInt64)] = []
        var offset = load(0x34, 1)
        while offset != 0, list.count < 48 {
            list.append((offset, load(offset, 1)))
            offset = load(offset + 1, 1)
        }
        return list
    }
}

let testIdentity = Identity(
    vendor: 0x1af4, device: 0x105b, revision: 1, classCode: 0x00ff00, subsystemVendor: 0x1af4, subsystem: 0x1100)
