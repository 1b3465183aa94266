import Synchronization

/// The interrupt status register of transports that have one (virtio 1.3, section 4.1.4.5).
final class InterruptStatus: Sendable {
    static let queue: UInt8 = 1
    static let configuration: UInt8 = 2

    private let bits = Atomic<UInt8>(0)

    func raise(_ bit: UInt8) {
        bits.bitwiseOr(bit, ordering: .sequentiallyConsistent)
    }

    /// Reads the register, which sets it to 0.
    func take() -> UInt8 { bits.exchange(0, ordering: .sequentiallyConsistent) }
}

/// Where an interrupt goes whose vector is NO_VECTOR: nowhere but into the status register.
struct UnroutedInterrupt: InterruptLine {
    let status: InterruptStatus
    let bit: UInt8

    func signal() { status.raise(bit) }
}

/// The interrupt of one event source. The driver may give it another vector at any time.
final class RoutedInterrupt: InterruptLine {
    private let unrouted: UnroutedInterrupt
    private let target: Mutex<any InterruptLine>

    init(unrouted: UnroutedInterrupt) {
        self.unrouted = unrouted
        target = Mutex(unrouted)
    }

    /// Later signals go to `line`; nil for NO_VECTOR.
    func route(to line: (any InterruptLine)?) {
        let next = line ?? unrouted
        target.withLock { $0 = next }
    }

    func signal() {
        let line = target.withLock { $0 }
        line.signal()
    }
}
