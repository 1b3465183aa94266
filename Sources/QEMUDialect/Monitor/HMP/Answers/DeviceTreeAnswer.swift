import Options

/// `info qtree`: buses and devices, indented, with the properties that can differ from device to device.
func deviceTreeAnswer(_ functions: [PCIFunctionStatus], _ devices: [MemoryDeviceStatus]) -> String {
    var text =
        "bus: main-system-bus\n  type System\n  dev: needletail-pcihost, id \"\"\n    bus: pcie.0\n      type PCIE\n"
    for function in functions {
        text += functionTree(function, devices.first { $0.slot == function.slot }).map { "      \($0)\n" }.joined()
    }
    return text
}

private func functionTree(_ function: PCIFunctionStatus, _ device: MemoryDeviceStatus?) -> [String] {
    let model = device == nil ? "pci-function" : VirtioPMemOptions.model
    var lines = ["dev: \(model), id \"\(function.id ?? "")\"", "  addr = \(function.slot.text)"]
    let identity = "pci id \(hex(function.vendor, 4)):\(hex(function.device, 4))"
    let subsystem = "(sub \(hex(function.subsystemVendor, 4)):\(hex(function.subsystem, 4)))"
    let name = function.className ?? "Class \(hex(function.classCode, 4))"
    lines.append("  class \(name), addr 00:\(function.slot.text), \(identity) \(subsystem)")
    for region in function.regions {
        let (start, end) = (region.address ?? .max, (region.address ?? .max) &+ region.size &- 1)
        let kind = region.isMemory ? "mem" : "i/o"
        lines.append("  bar \(region.bar): \(kind) at \(hexadecimal(start)) [\(hexadecimal(end))]")
    }
    guard let device else { return lines }
    // A BAR that is off is nowhere.
    let address = device.address ?? 0
    return lines + [
        "  bus: virtio-bus", "    type virtio-pci-bus", "    dev: virtio-pmem, id \"\"",
        "      memaddr = \(address) (\(hexadecimal(address)))",
        "      memdev = \"/objects/\(device.memoryBackend)\"",
    ]
}
