import GuestMemory

/// All the firmware that there is: real-mode code where a PC's processors start after a reset, which asks for a reset.
///
/// A Linux that knows of hardware-reduced ACPI but of no EFI does not try ACPI's reset register. It takes EFI's way,
/// which is not there, and then jumps to the reset vector in real mode, as DOS did. Without code there the guest would
/// run into nothing.
public enum ResetVector {
    /// F000:FFF0, 16 bytes below 1 MiB (Intel SDM, volume 3, section 10.1.4, for a processor without the upper address
    /// bits).
    static let address = GuestAddress(0xF_FFF0)

    static let code: [UInt8] =
        [0xBA] + littleEndian(BoardLayout.Port.power.lowerBound + UInt16(PowerRegisters.resetOffset))  // mov dx, port
        + [0xB0, PowerRegisters.resetValue]  // mov al, value
        + [0xEE]  // out dx, al
        + [0xF4]  // hlt
        + [0xEB, 0xFD]  // jmp to the hlt

    /// Writes the code. The guest may overwrite it: after a reset it has to be written again.
    public static func write(to memory: MemoryMap) throws(GuestMemoryError) { try memory.write(code, at: address) }

    private static func littleEndian(_ value: UInt16) -> [UInt8] {
        [UInt8(truncatingIfNeeded: value), UInt8(truncatingIfNeeded: value >> 8)]
    }
}
