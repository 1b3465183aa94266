public import Options

func pciAnswer(_ functions: [PCIFunctionStatus]) -> String {
    functions.map(functionAnswer).joined()
}

private func functionAnswer(_ function: PCIFunctionStatus) -> String {
    let (slot, number) = (decimal(function.slot.device, width: 3), function.slot.function)
    var text = "  Bus  0, device \(slot), function \(number):\n    "
    // QEMU writes the number of an unnamed class in decimal.
    text += function.className ?? "Class \(decimal(function.classCode, width: 4, padding: "0"))"
    text += ": PCI device \(hex(function.vendor, 4)):\(hex(function.device, 4))\n"
    if function.subsystemVendor != 0 {
        text += "      PCI subsystem \(hex(function.subsystemVendor, 4)):\(hex(function.subsystem, 4))\n"
    }
    text += function.regions.map(regionAnswer).joined()
    return text + "      id \"\(function.id ?? "")\"\n"
}

private func regionAnswer(_ region: PCIFunctionStatus.Region) -> String {
    let start = region.address ?? .max
    let end = start &+ region.size &- 1
    guard region.isMemory else {
        return "      BAR\(region.bar): I/O at 0x\(hex(start, 4)) [0x\(hex(end, 4))].\n"
    }
    let kind = "\(region.is64Bit ? "64" : "32") bit\(region.isPrefetchable ? " prefetchable" : "") memory"
    return "      BAR\(region.bar): \(kind) at 0x\(hex(start, 8)) [0x\(hex(end, 8))].\n"
}

extension PCISlot {
    /// Two hexadecimal digits and the function: `05.0`.
    public var text: String { "\(hex(device, 2)).\(function)" }
}

func hex(_ value: some BinaryInteger, _ width: Int) -> String { padded(String(value, radix: 16), width, "0") }

private func decimal(_ value: some BinaryInteger, width: Int, padding: Character = " ") -> String {
    padded(String(value), width, padding)
}

private func padded(_ digits: String, _ width: Int, _ padding: Character) -> String {
    String(repeating: padding, count: max(0, width - digits.utf8.count)) + digits
}
