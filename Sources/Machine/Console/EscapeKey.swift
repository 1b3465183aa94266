/// The keys that talk to the monitor program instead of the guest, on a line that both share (`-nographic`,
/// `-serial mon:stdio`): Ctrl-A, then a letter. Between them, what is typed belongs to one of the two.
struct EscapeKey {
    /// What is not for the guest, in the order in which it was typed.
    enum Action: Equatable {
        case quit, help, sendBreak
        /// Whose keys they are from now on.
        case giveToMonitor, giveToGuest
        /// Bytes that the monitor gets.
        case monitorInput([UInt8])
    }

    static let prefix: UInt8 = 0x01
    static let help = """
        C-a h    print this help
        C-a x    exit
        C-a b    send break (magic sysrq)
        C-a c    switch between console and monitor
        C-a C-a  sends C-a

        """

    private var isPrefixed = false
    private var isAtMonitor = false

    /// Sorts what was typed into what the guest gets and everything else.
    mutating func filter(_ bytes: [UInt8]) -> (forGuest: [UInt8], actions: [Action]) {
        var forGuest: [UInt8] = []
        var actions: [Action] = []
        for byte in bytes {
            if isPrefixed, byte != Self.prefix {
                isPrefixed = false
                actions += act(on: byte).map { [$0] } ?? []
            } else if byte == Self.prefix, !isPrefixed {
                isPrefixed = true
            } else {
                isPrefixed = false
                if isAtMonitor { Self.append(byte, to: &actions) } else { forGuest.append(byte) }
            }
        }
        return (forGuest, actions)
    }

    /// - Returns: nil for a letter that means nothing.
    private mutating func act(on letter: UInt8) -> Action? {
        switch letter {
        case UInt8(ascii: "x"): return .quit
        case UInt8(ascii: "h"), UInt8(ascii: "?"): return .help
        case UInt8(ascii: "b"): return .sendBreak
        case UInt8(ascii: "c"):
            isAtMonitor.toggle()
            return isAtMonitor ? .giveToMonitor : .giveToGuest
        default: return nil
        }
    }

    private static func append(_ byte: UInt8, to actions: inout [Action]) {
        guard case .monitorInput(let bytes) = actions.last else { return actions.append(.monitorInput([byte])) }
        actions[actions.count - 1] = .monitorInput(bytes + [byte])
    }
}
