import PCI
import Synchronization

/// What the guest asks of its power supply.
public enum PowerEvent: Sendable, Equatable {
    case powerOff
    case reset
}

/// Sleep and reset as hardware-reduced ACPI has them (ACPI 6.5, section 4.8.3.7 and 4.8.3.6), at
/// `BoardLayout.Port.power`.
///
///     0  sleep control: bit 5 starts what the sleep type in bits 2 to 4 says; 5 is soft-off
///     1  sleep status: nothing ever wakes
///     2  reset: `resetValue` resets
public final class PowerRegisters: RegisterBlock {
    /// What resets when it is written to the reset register.
    public static let resetValue: UInt8 = 1
    /// The sleep type of soft-off, as `\_S5` says.
    static let softOff: UInt8 = 5
    static let sleepControlOffset: UInt64 = 0
    static let sleepStatusOffset: UInt64 = 1
    static let resetOffset: UInt64 = 2

    private let onEvent: @Sendable (PowerEvent) -> Void

    /// - Parameter onEvent: called on the vCPU's thread, once per store.
    public init(onEvent: @escaping @Sendable (PowerEvent) -> Void) {
        self.onEvent = onEvent
    }

    public func load(at offset: UInt64, byteCount: Int) -> UInt64 { loadBytes(at: offset, byteCount: byteCount) }

    public func store(_ value: UInt64, at offset: UInt64, byteCount: Int) {
        storeBytes(value, at: offset, byteCount: byteCount)
    }
}

extension PowerRegisters: ByteRegisters {
    func loadByte(at offset: UInt64) -> UInt8 { 0 }

    func storeByte(_ value: UInt8, at offset: UInt64) {
        switch offset {
        case Self.sleepControlOffset where value & 0x20 != 0 && value >> 2 & 7 == Self.softOff: onEvent(.powerOff)
        case Self.resetOffset where value == Self.resetValue: onEvent(.reset)
        default: break
        }
    }
}

/// The reset control register of PC chipsets at port 0xCF9: bit 2 resets. Linux tries it where ACPI fails it.
public final class ResetControl: RegisterBlock {
    private let onEvent: @Sendable (PowerEvent) -> Void
    /// Bit 1, hard reset, reads back.
    private let stored = Mutex<UInt8>(0)

    public init(onEvent: @escaping @Sendable (PowerEvent) -> Void) {
        self.onEvent = onEvent
    }

    public func load(at offset: UInt64, byteCount: Int) -> UInt64 { UInt64(stored.withLock { $0 }) }

    public func store(_ value: UInt64, at offset: UInt64, byteCount: Int) {
        guard offset == 0 else { return }
        stored.withLock { $0 = UInt8(truncatingIfNeeded: value & 0b1010) }
        if value & 0b100 != 0 { onEvent(.reset) }
    }
}

/// The one thing that is left of the keyboard controller, ports 0x60 to 0x64: command 0xFE resets. ACPI says that
/// there is no controller; this is for programs that reset in the oldest way.
public final class KeyboardController: RegisterBlock {
    private static let commandOffset: UInt64 = 4
    private static let pulseReset: UInt8 = 0xFE

    private let onEvent: @Sendable (PowerEvent) -> Void

    public init(onEvent: @escaping @Sendable (PowerEvent) -> Void) {
        self.onEvent = onEvent
    }

    public func load(at offset: UInt64, byteCount: Int) -> UInt64 { loadBytes(at: offset, byteCount: byteCount) }

    public func store(_ value: UInt64, at offset: UInt64, byteCount: Int) {
        storeBytes(value, at: offset, byteCount: byteCount)
    }
}

extension KeyboardController: ByteRegisters {
    /// Status 0: no byte to fetch, and ready for a command, so a guest does not wait for the controller.
    func loadByte(at offset: UInt64) -> UInt8 { 0 }

    func storeByte(_ value: UInt8, at offset: UInt64) {
        if offset == Self.commandOffset, value == Self.pulseReset { onEvent(.reset) }
    }
}
