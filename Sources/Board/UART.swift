import PCI
import Synchronization

/// A serial port: a 16550A with its two queues of 16 bytes (National Semiconductor PC16550D data sheet), on eight
/// ports.
///
/// Output leaves at once, on the thread of the vCPU that wrote it, which waits with it for a slow reader; the line is
/// always clear to send. Input waits in the queue: `receive` takes what there is space for, and `onSpace` asks for
/// more.
public final class UART: RegisterBlock {
    private let state = Mutex(UARTState())
    private let output: @Sendable (UInt8) -> Bool
    private let interrupt: @Sendable () -> Void
    private let onSpace: @Sendable () -> Void

    /// - Parameters:
    ///   - output: takes a byte that the guest sends, or returns false when it had to wait and was interrupted: the
    ///     store has not happened then. It may wait; the guest waits with it.
    ///   - interrupt: sends an edge on `BoardLayout.Interrupt.serialPort`. It must not wait.
    ///   - onSpace: the guest has emptied the input queue, and `receive` had found it too small. Called on a vCPU's
    ///     thread; it must not wait.
    public init(
        output: @escaping @Sendable (UInt8) -> Bool, interrupt: @escaping @Sendable () -> Void,
        onSpace: @escaping @Sendable () -> Void = {}
    ) {
        self.output = output
        self.interrupt = interrupt
        self.onSpace = onSpace
    }

    /// Queues input for the guest.
    ///
    /// - Returns: how many of the bytes, from the first on, found space. The rest is to be offered again after
    ///   `onSpace`.
    public func receive(_ bytes: some Collection<UInt8>) -> Int {
        let (accepted, raise) = state.withLock { state in
            // Raised even if it is raised already: an edge that fell while the guest had the line masked is made up
            // for.
            (state.enqueue(bytes), state.isInterrupting)
        }
        if accepted > 0 && raise { interrupt() }
        return accepted
    }

    /// The line is held down for longer than a character takes: Linux reads a command of the magic SysRq key after it.
    public func receiveBreak() {
        let raise = state.withLock { state in
            state.enqueueBreak()
            return state.isInterrupting
        }
        if raise { interrupt() }
    }

    public func load(at offset: UInt64, byteCount: Int) -> UInt64 { loadBytes(at: offset, byteCount: byteCount) }

    public func store(_ value: UInt64, at offset: UInt64, byteCount: Int) {
        _ = attemptStore(value, at: offset, byteCount: byteCount)
    }

    public func attemptStore(_ value: UInt64, at offset: UInt64, byteCount: Int) -> Bool {
        // The one byte that can leave is the lowest. It goes first: the registers change only once it has left.
        let sends = byteCount > 0 && state.withLock { $0.sends(at: offset) }
        guard !sends || output(UInt8(truncatingIfNeeded: value)) else { return false }
        storeBytes(value, at: offset, byteCount: byteCount)
        return true
    }
}

extension UART: ByteRegisters {
    func loadByte(at offset: UInt64) -> UInt8 {
        let (value, effect) = act { $0.load(offset) }
        carryOut(effect)
        return value
    }

    func storeByte(_ value: UInt8, at offset: UInt64) {
        let (_, effect) = act { $0.store(value, offset) }
        carryOut(effect)
    }

    /// What an access causes outside; done after the lock is given back.
    private struct Effect {
        let raises: Bool
        let hasSpace: Bool
    }

    private func act<Result: Sendable>(_ body: (inout UARTState) -> Result) -> (Result, Effect) {
        state.withLock { state in
            let wasInterrupting = state.isInterrupting
            let result = body(&state)
            return (
                result,
                Effect(raises: state.isInterrupting && !wasInterrupting, hasSpace: state.takeSpaceNotice())
            )
        }
    }

    private func carryOut(_ effect: Effect) {
        if effect.raises { interrupt() }
        if effect.hasSpace { onSpace() }
    }
}
