import GuestMemory

/// The fixed description table (ACPI 6.5, section 5.2.9): hardware-reduced, so most of it is 0.
enum FADT {
    private enum BootArchitecture {
        static let noVGA: UInt16 = 1 << 2
        static let noASPM: UInt16 = 1 << 4
        /// The guest has its time from the hypervisor's clock; it need not probe ports 0x70 and 0x71.
        static let noRealTimeClock: UInt16 = 1 << 5
    }

    private enum Feature {
        static let cachesFlush: UInt32 = 1 << 0
        static let processorsHaltC1: UInt32 = 1 << 2
        static let powerButtonIsDevice: UInt32 = 1 << 4
        static let sleepButtonIsDevice: UInt32 = 1 << 5
        static let resetRegister: UInt32 = 1 << 10
        static let hardwareReduced: UInt32 = 1 << 20
    }

    private static let byteCount = 276

    static func table(dsdt: GuestAddress) -> SystemDescriptionTable {
        var table = [UInt8](repeating: 0, count: byteCount)
        let features =
            Feature.cachesFlush | Feature.processorsHaltC1 | Feature.powerButtonIsDevice | Feature.sleepButtonIsDevice
            | Feature.resetRegister | Feature.hardwareReduced
        let port = BoardLayout.Port.power.lowerBound
        // Neither a keyboard controller nor other old devices: their bits are clear.
        table.replace(
            at: 109, with: BootArchitecture.noVGA | BootArchitecture.noASPM | BootArchitecture.noRealTimeClock)
        table.replace(at: 112, with: features)
        table.replace(at: 116, with: GenericAddress.port(port + UInt16(PowerRegisters.resetOffset)))
        table.replace(at: 128, with: PowerRegisters.resetValue)
        table.replace(at: 131, with: UInt8(5))  // minor version: 6.5
        table.replace(at: 140, with: dsdt.rawValue)
        table.replace(at: 244, with: GenericAddress.port(port + UInt16(PowerRegisters.sleepControlOffset)))
        table.replace(at: 256, with: GenericAddress.port(port + UInt16(PowerRegisters.sleepStatusOffset)))
        table.replace(at: 268, with: Array("NEEDLETL".utf8))  // hypervisor vendor
        return SystemDescriptionTable(
            signature: "FACP", revision: 6, body: Array(table.dropFirst(SystemDescriptionTable.headerByteCount)))
    }
}
