import PCI

/// Registers of one byte each, as ISA devices have them: a wider access is as many accesses of one byte.
protocol ByteRegisters: RegisterBlock {
    func loadByte(at offset: UInt64) -> UInt8
    func storeByte(_ value: UInt8, at offset: UInt64)
}

extension ByteRegisters {
    func loadBytes(at offset: UInt64, byteCount: Int) -> UInt64 {
        var value: UInt64 = 0
        for index in 0..<UInt64(min(max(byteCount, 0), 8)) {
            let (register, overflow) = offset.addingReportingOverflow(index)
            value |= UInt64(overflow ? 0xFF : loadByte(at: register)) << (8 * index)
        }
        return value
    }

    func storeBytes(_ value: UInt64, at offset: UInt64, byteCount: Int) {
        for index in 0..<UInt64(min(max(byteCount, 0), 8)) {
            let (register, overflow) = offset.addingReportingOverflow(index)
            if !overflow { storeByte(UInt8(truncatingIfNeeded: value >> (8 * index)), at: register) }
        }
    }
}
