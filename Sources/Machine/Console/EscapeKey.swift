/// The keys that talk to the monitor program instead of the guest, on a terminal that both share (`-nographic`): Ctrl-A, then
/// a letter.
struct EscapeKey {
    /// What the user asked for.
    enum Command: Equatable {
        case quit, help
    }

    static let prefix: UInt8 = 0x01
    static let help = """
        Ctrl-A h   print this help
        Ctrl-A x   exit
        Ctrl-A Ctrl-A   send Ctrl-A to the guest

        """

    private var isPrefixed = false

    /// Sorts what was typed into what the guest gets and what it means for the monitor.
    mutating func filter(_ bytes: [UInt8]) -> (forGuest: [UInt8], commands: [Command]) {
        var forGuest: [UInt8] = []
        var commands: [Command] = []
        for byte in bytes {
            if !isPrefixed {
                isPrefixed = byte == Self.prefix
                if !isPrefixed { forGuest.append(byte) }
                continue
            }
            isPrefixed = false
            switch byte {
            case Self.prefix: forGuest.append(byte)
            case UInt8(ascii: "x"): commands.append(.quit)
            case UInt8(ascii: "h"), UInt8(ascii: "?"): commands.append(.help)
            default: break
            }
        }
        return (forGuest, commands)
    }
}
