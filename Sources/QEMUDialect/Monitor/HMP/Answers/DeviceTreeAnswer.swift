import Options

/// `info qtree`: buses and devices, indented, with the properties that can differ from device to device.
func deviceTreeAnswer(_ functions: [PCIFunctionStatus]) -> String {
    "bus: main-system-bus\n  type System\n  dev: needletail-pcihost, id \"\"\n    bus: pcie.0\n      type PCIE\n"
        + functions.flatMap(functionTree).map { "      \($0)\n" }.joined()
}

private func functionTree(_ function: PCIFunctionStatus) -> [String] {
    var lines = [
        "dev: \(function.model ?? "pci-function"), id \"\(function.id ?? "")\"", "  addr = \(function.slot.text)",
    ]
    let identity = "pci id \(hex(function.vendor, 4)):\(hex(function.device, 4))"
    let subsystem = "(sub \(hex(function.subsystemVendor, 4)):\(hex(function.subsystem, 4)))"
    let name = function.className ?? "Class \(hex(function.classCode, 4))"
    lines.append("  class \(name), addr 00:\(function.slot.text), \(identity) \(subsystem)")
    for region in function.regions {
        let (start, end) = (region.address ?? .max, (region.address ?? .max) &+ region.size &- 1)
        let kind = region.isMemory ? "mem" : "i/o"
        lines.append("  bar \(region.bar): \(kind) at \(hexadecimal(start)) [\(hexadecimal(end))]")
    }
    guard let model = deviceModels.first(where: { $0.name == function.model }) else { return lines }
    return lines + ["  bus: virtio-bus", "    type virtio-pci-bus", "    dev: \(model.withoutTransport), id \"\""]
        + function.properties.map { "      \($0.name) = \(text(of: $0.value))" }
}

private func text(of value: DeviceProperty.Value) -> String {
    switch value {
    case .number(let number): "\(number) (\(hexadecimal(number)))"
    case .object(let id): "\"/objects/\(id)\""
    }
}
