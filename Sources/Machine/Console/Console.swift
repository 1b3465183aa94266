import Board
import Host
import QEMUDialect

/// The guest's serial port: the chip, the host's end of the line, and, on a terminal, the keys that the monitor keeps for
/// itself. Lives through reboots.
final class Console: Sendable {
    /// What a key pressed at the terminal asks the machine to do.
    enum Command {
        case quit
    }

    private static let inputByteCount = 256
    /// How much may be typed ahead where the monitor's own keys must be seen although the guest reads nothing, in bytes.
    private static let typeAheadByteCount = 64 << 10

    private let line: SerialLine
    private let terminal: RawTerminal?
    private let isShared: Bool
    private let keyboard: Keyboard

    /// Opens the line, and puts the terminal into raw mode if it is one.
    ///
    /// - Parameter isNographic: the terminal is shared between the guest and the monitor (Ctrl-A), and Ctrl-C goes to the guest.
    init(_ target: SerialTarget, isNographic: Bool) throws(MachineError) {
        do throws(SystemCallError) {
            line = try SerialLine.open(target)
        } catch { throw .serial("\(target)", error) }
        let usesTerminal = target == .standardInputOutput
        isShared = usesTerminal && isNographic
        terminal = usesTerminal ? RawTerminal(0, keepsSignals: !isNographic) : nil
        keyboard = Keyboard()
    }

    /// Makes the chip for one power cycle.
    func makeUART(interrupt: EventFD, events: ControlEvents) -> UART {
        let line = line
        return UART(
            output: { line.send([$0]) }, interrupt: { interrupt.signal() },
            onSpace: { events.post(.serialSpace) })
    }

    /// What the control plane waits for; nil while the chip has no space, or nothing can come.
    var interest: Poll.Interest? {
        keyboard.backlogByteCount >= (isShared ? Self.typeAheadByteCount : 1) ? nil : line.interest
    }

    /// Blocks until the client that `wait=on` asks for has connected, or `other` is ready.
    func waitForClient(unless other: Poll.Interest) throws(SystemCallError) { try line.waitForClient(unless: other) }

    /// Hands what was typed to the chip.
    ///
    /// - Returns: what was meant for the monitor.
    func receive(for uart: UART) -> [Command] {
        let typed = line.receive(capacity: Self.inputByteCount)
        guard isShared else {
            keyboard.append(typed)
            deliver(to: uart)
            return []
        }
        let commands = keyboard.appendFiltered(typed)
        deliver(to: uart)
        if commands.contains(.help) { line.offer(Array(EscapeKey.help.utf8)[...]) }
        return commands.contains(.quit) ? [.quit] : []
    }

    /// Gives the chip what it had no space for.
    func deliver(to uart: UART) { keyboard.deliver { uart.receive($0) } }

    /// Lets go of a vCPU that waits for a slow reader: its power cycle ends.
    func beginEnd() { line.setDropping(true) }

    /// The power cycle has ended; the next one gets nothing that was typed for it.
    func finishEnd() {
        line.setDropping(false)
        keyboard.discard()
    }

    /// Gives the terminal back, and removes the socket.
    func close() {
        terminal?.restore()
        line.close()
    }
}
