import Board
import Host
import QEMUDialect
import Synchronization

/// The guest's serial port: the chip, the host's end of the line, and, where that is shared, the keys that the monitor
/// keeps for itself and the human monitor behind them. Lives through reboots.
final class Console: Sendable {
    private static let inputByteCount = 256
    /// How much may be typed ahead where the monitor's own keys must be seen although the guest reads nothing, in
    /// bytes.
    private static let typeAheadByteCount = 64 << 10

    private let line: SerialLine
    private let terminal: RawTerminal?
    private let isShared: Bool
    private let keyboard = Keyboard()
    private let makeMonitor = Mutex<ConsoleMonitorMaker?>(nil)
    /// Only the control plane uses it.
    private let monitor = Mutex<(any ConsoleMonitor)?>(nil)

    /// Opens the line, and puts the terminal into raw mode if it is one.
    ///
    /// - Parameter isShared: the line is the guest's and a monitor's (Ctrl-A), and Ctrl-C goes to the guest.
    init(_ target: SerialTarget, isShared: Bool) throws(MachineError) {
        do throws(SystemCallError) {
            line = try SerialLine.open(target)
        } catch { throw .serial("\(target)", error) }
        self.isShared = isShared
        terminal = target == .standardInputOutput ? RawTerminal(0, keepsSignals: !isShared) : nil
    }

    /// Sets the maker of the monitor that Ctrl-A c switches to.
    func share(with makeMonitor: @escaping ConsoleMonitorMaker) { self.makeMonitor.withLock { $0 = makeMonitor } }

    /// Makes the chip for one power cycle.
    func makeUART(interrupt: EventFD, events: ControlEvents) -> UART {
        let line = line
        return UART(
            output: { line.send($0) }, interrupt: { interrupt.signal() },
            onSpace: { events.post(.serialSpace) })
    }

    /// What the control plane waits for; nil while the chip has no space, or nothing can come.
    var interest: Poll.Interest? {
        keyboard.backlogByteCount >= (isShared ? Self.typeAheadByteCount : 1) ? nil : line.interest
    }

    /// Blocks until the client that `wait=on` asks for has connected, or `other` is ready.
    func waitForClient(unless other: Poll.Interest) throws(SystemCallError) { try line.waitForClient(unless: other) }

    /// Hands what was typed to whom it is for.
    ///
    /// - Returns: whether the user wants to quit.
    func receive(for uart: UART) -> Bool {
        let typed = line.receive(capacity: Self.inputByteCount)
        guard isShared else {
            keyboard.append(typed)
            deliver(to: uart)
            return false
        }
        let actions = keyboard.appendFiltered(typed)
        deliver(to: uart)
        for action in actions { carryOut(action, uart) }
        return actions.contains(.quit)
    }

    private func carryOut(_ action: EscapeKey.Action, _ uart: UART) {
        switch action {
        case .quit: break
        case .help: line.offer(Array(EscapeKey.help.utf8)[...])
        case .sendBreak: uart.receiveBreak()
        case .giveToMonitor: openMonitor()?.gainFocus()
        case .giveToGuest: monitor.withLock { $0 }?.loseFocus()
        case .monitorInput(let bytes): monitor.withLock { $0 }?.receive(bytes)
        }
    }

    /// The monitor, made when it is first asked for: until then it costs nothing.
    private func openMonitor() -> (any ConsoleMonitor)? {
        let line = line
        return monitor.withLock { monitor in
            if monitor == nil { monitor = makeMonitor.withLock { $0 }?({ line.send($0) }) }
            return monitor
        }
    }

    /// Gives the chip what it had no space for.
    func deliver(to uart: UART) { keyboard.deliver { uart.receive($0) } }

    /// Stops vCPUs by `stop`, although one may wait for a slow reader. The byte that it could not send stays its
    /// unanswered exit.
    func interrupting(_ stop: () -> Void) {
        line.setInterrupted(true)
        stop()
        line.setInterrupted(false)
    }

    /// The power cycle has ended; the next one gets nothing that was typed for it.
    func discardInput() { keyboard.discard() }

    /// Gives the terminal back, and removes the socket. What a monitor still has to show is dropped if it would have
    /// to wait.
    func close() {
        line.setDropping()
        monitor.withLock { $0 }?.finish()
        terminal?.restore()
        line.close()
    }
}
