import Host
public import QEMUDialect
import Synchronization

/// The human monitor on the line of the guest's console. It has a thread, since the control plane both reads the line
/// and carries commands out, and would wait for itself.
public final class SharedTerminalMonitor: Sendable {
    private enum Input: Sendable {
        case gainedFocus, lostFocus, ended
        case bytes([UInt8])
    }

    /// How many inputs wait; a read brings 256 bytes at most.
    private static let mostWaiting = 256

    private let inputs = ConditionLock<[Input]>([])
    private let session: HMPSession
    private let thread = Mutex<HostThread?>(nil)

    /// - Parameter output: takes what is to be shown; it may wait.
    /// - Throws: when the host has no thread left.
    public init(_ machine: any MachineControl, output: @escaping @Sendable ([UInt8]) -> Void) throws(SystemCallError) {
        session = HMPSession(machine, output: output)
        let (inputs, session) = (inputs, session)
        let thread = try HostThread(name: "monitor") { Self.serve(session, inputs) }
        self.thread.withLock { $0 = thread }
    }

    public func gainFocus() { post(.gainedFocus) }
    public func loseFocus() { post(.lostFocus) }

    /// Keys that are typed too far ahead of a command that takes long are dropped.
    public func receive(_ bytes: [UInt8]) {
        inputs.withLock { inputs in
            if inputs.count < Self.mostWaiting { inputs.append(.bytes(bytes)) }
        }
    }

    /// Lets the command that is being carried out end, and forgets what was typed behind it. `output` must not wait
    /// any more.
    public func finish() {
        inputs.withLock { $0 = [.ended] }
        thread.withLock { $0 }?.join()
    }

    private func post(_ input: Input) { inputs.withLock { $0.append(input) } }

    private static func serve(_ session: HMPSession, _ inputs: ConditionLock<[Input]>) {
        var isGreeted = false
        while true {
            switch inputs.wait(while: { $0.isEmpty }, then: { $0.removeFirst() }) {
            case .ended: return
            case .bytes(let bytes): session.receive(bytes)
            case .lostFocus: session.suspend()
            case .gainedFocus:
                if isGreeted { session.resume() } else { session.open() }
                isGreeted = true
            }
        }
    }
}
