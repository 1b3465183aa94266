/// The registers of a 16550A and what they do to each other (PC16550D data sheet, section 8).
struct UARTState {
    private var interruptEnable: UInt8 = 0
    private var lineControl: UInt8 = 0
    private var modemControl: UInt8 = 0
    private var scratch: UInt8 = 0
    /// 12 divides to 9600 baud. Kept for the guest only: the line has no speed.
    private var divisor: UInt16 = 12
    private var hasQueues = false
    private var triggerLevel = 1
    private var input: [UInt8] = []
    /// A break came, and the line status was not read since.
    private var isBreakPending = false
    /// The transmitter ran empty and the guest was not told yet.
    private var transmitterPending = false
    /// There is input that found no space.
    private var isSpaceWanted = false

    private static let queueByteCount = 16

    var hasInput: Bool { !input.isEmpty }
    var isInterrupting: Bool { interruptIdentity != Identity.none }

    /// Takes bytes while there is space; without queues there is space for one.
    mutating func enqueue(_ bytes: some Collection<UInt8>) -> Int {
        // In loopback mode the line is cut off from the receiver.
        let space = isLoopback ? 0 : (hasQueues ? Self.queueByteCount : 1) - input.count
        let taken = bytes.prefix(max(space, 0))
        input.append(contentsOf: taken)
        isSpaceWanted = taken.count < bytes.count
        return taken.count
    }

    /// A break is a byte of zeroes, and a bit in the line status until that is read (section 8.4).
    mutating func enqueueBreak() {
        guard !isLoopback else { return }
        if input.count < (hasQueues ? Self.queueByteCount : 1) { input.append(0) }
        isBreakPending = true
    }

    /// Whether to ask for more input now: once, and when the queue is empty.
    mutating func takeSpaceNotice() -> Bool {
        guard isSpaceWanted, !hasInput, !isLoopback else { return false }
        isSpaceWanted = false
        return true
    }
}

// MARK: - Bits

extension UARTState {
    private enum InterruptEnable {
        static let input: UInt8 = 1 << 0
        static let transmitterEmpty: UInt8 = 1 << 1
        static let lineStatus: UInt8 = 1 << 2
        static let all: UInt8 = 0x0F
    }

    /// Interrupt identities, in order of priority.
    private enum Identity {
        static let lineStatus: UInt8 = 0x06
        static let inputTimeout: UInt8 = 0x0C
        static let input: UInt8 = 0x04
        static let transmitterEmpty: UInt8 = 0x02
        static let none: UInt8 = 0x01
        static let hasQueues: UInt8 = 0xC0
    }

    private enum LineStatus {
        static let inputReady: UInt8 = 1 << 0
        static let breakReceived: UInt8 = 1 << 4
        static let transmitterEmpty: UInt8 = 1 << 5 | 1 << 6
    }

    private enum Modem {
        static let loopback: UInt8 = 1 << 4
        static let controls: UInt8 = 0x1F
        /// Data carrier, data set ready, clear to send.
        static let lineUp: UInt8 = 0xB0
    }

    private var isLoopback: Bool { modemControl & Modem.loopback != 0 }
    private var showsDivisor: Bool { lineControl & 0x80 != 0 }

    /// What the interrupt identification register would say, without the queue bits.
    private var interruptIdentity: UInt8 {
        if interruptEnable & InterruptEnable.lineStatus != 0, isBreakPending { return Identity.lineStatus }
        if interruptEnable & InterruptEnable.input != 0, hasInput {
            // Below the trigger level the real one waits four characters' time; here none passes.
            return input.count >= triggerLevel ? Identity.input : Identity.inputTimeout
        }
        if interruptEnable & InterruptEnable.transmitterEmpty != 0, transmitterPending {
            return Identity.transmitterEmpty
        }
        return Identity.none
    }
}

// MARK: - Accesses

extension UARTState {
    mutating func load(_ offset: UInt64) -> UInt8 {
        switch offset {
        case 0: showsDivisor ? UInt8(truncatingIfNeeded: divisor) : dequeue()
        case 1: showsDivisor ? UInt8(truncatingIfNeeded: divisor >> 8) : interruptEnable
        case 2: identifyInterrupt()
        case 3: lineControl
        case 4: modemControl
        case 5: takeLineStatus()
        case 6: modemStatus
        case 7: scratch
        default: 0xFF
        }
    }

    /// Whether a byte that is stored there leaves through the line.
    func sends(at offset: UInt64) -> Bool { offset == 0 && !showsDivisor && !isLoopback }

    mutating func store(_ value: UInt8, _ offset: UInt64) {
        switch offset {
        case 0 where showsDivisor: divisor = divisor & 0xFF00 | UInt16(value)
        case 0: transmit(value)
        case 1 where showsDivisor: divisor = divisor & 0x00FF | UInt16(value) << 8
        case 1: enableInterrupts(value)
        case 2: controlQueues(value)
        case 3: lineControl = value
        case 4: modemControl = value & Modem.controls
        case 7: scratch = value
        default: break
        }
    }

    private mutating func dequeue() -> UInt8 { input.isEmpty ? 0 : input.removeFirst() }

    private mutating func takeLineStatus() -> UInt8 {
        defer { isBreakPending = false }
        return LineStatus.transmitterEmpty | (hasInput ? LineStatus.inputReady : 0)
            | (isBreakPending ? LineStatus.breakReceived : 0)
    }

    /// Reading the identity of an empty transmitter takes the interrupt back (section 8.6.5, table II).
    private mutating func identifyInterrupt() -> UInt8 {
        let identity = interruptIdentity
        if identity == Identity.transmitterEmpty { transmitterPending = false }
        return identity | (hasQueues ? Identity.hasQueues : 0)
    }

    /// The transmitter is empty at all times, so enabling its interrupt causes one: drivers start sending that way.
    private mutating func enableInterrupts(_ value: UInt8) {
        let enabled = value & ~interruptEnable
        if enabled & InterruptEnable.transmitterEmpty != 0 { transmitterPending = true }
        interruptEnable = value & InterruptEnable.all
    }

    private mutating func transmit(_ value: UInt8) {
        transmitterPending = true
        if isLoopback, input.count < Self.queueByteCount { input.append(value) }
    }

    private mutating func controlQueues(_ value: UInt8) {
        let enable = value & 1 != 0
        // Switching between the modes empties both queues.
        if enable != hasQueues || value & 2 != 0 {
            input.removeAll(keepingCapacity: true)
            isBreakPending = false
        }
        hasQueues = enable
        let levels = [1, 4, 8, 14]
        triggerLevel = enable ? levels[Int(value >> 6)] : 1
    }

    /// In loopback mode the modem's inputs are its outputs: RTS to CTS, DTR to DSR, OUT1 to RI, OUT2 to DCD.
    private var modemStatus: UInt8 {
        guard isLoopback else { return Modem.lineUp }
        let (dataTerminal, request) = (modemControl & 1, modemControl >> 1 & 1)
        return request << 4 | dataTerminal << 5 | (modemControl >> 2 & 3) << 6
    }
}
