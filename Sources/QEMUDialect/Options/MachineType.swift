/// `-machine`, `-accel` and `-cpu`: each has one possible value here.

let machineTypeName = "needletail"

let machineHelp = """
    Supported machines are:
    \(machineTypeName)           Linux on KVM with virtio-pmem (default)

    """

/// - Returns: a text for `help`.
func checkMachine(_ text: String) throws(DialectError) -> String? {
    let options = try OptionString(text, impliedName: "type", flags: .refused)
    if options.wantsHelp { return machineHelp }
    var reader = PropertyReader(options)
    if let type = reader.text("type"), type != machineTypeName { throw .unsupportedMachine(type) }
    if let accelerators = reader.text("accel") { try checkAcceleratorList(accelerators) }
    for name in ["usb", "graphics", "vmport", "smm", "hpet"] where try reader.boolean(name) == true {
        throw .unsupportedValue(parameter: name, value: "on", reason: "the machine has no such part; leave it out")
    }
    if try reader.boolean("nvdimm") == true {
        throw .unsupportedValue(parameter: "nvdimm", value: "on", reason: "virtio-pmem-pci needs none; leave it out")
    }
    _ = try reader.boolean("mem-merge")
    _ = try reader.boolean("dump-guest-core")
    do {
        try reader.finish(accepted: [])
    } catch {
        guard case .invalidParameter(let name, _) = error else { throw error }
        throw .propertyNotFound(device: "\(machineTypeName)-machine", property: name)
    }
    return nil
}

/// `kvm`, or a list in order of preference in which it occurs: `kvm:tcg`.
private func checkAcceleratorList(_ text: String) throws(DialectError) {
    let names = text.utf8.split(separator: UInt8(ascii: ":")).map { String(Substring($0)) }
    guard !names.contains("kvm") else { return }
    try checkAcceleratorName(names.first ?? "")
}

private func checkAcceleratorName(_ name: String) throws(DialectError) {
    switch name {
    case "kvm": return
    case "tcg", "xen", "hax", "hvf", "nvmm", "whpx", "qtest": throw .acceleratorNotSupported(name)
    default: throw .invalidAccelerator(name)
    }
}

/// - Returns: a text for `help`.
func checkAccelerator(_ text: String) throws(DialectError) -> String? {
    let options = try OptionString(text, impliedName: "accel")
    if options.wantsHelp { return "Accelerators supported:\nkvm\n" }
    var reader = PropertyReader(options)
    guard let name = reader.text("accel") else {
        throw .missingParameter("accel", advice: "Write -accel kvm, or leave it out.")
    }
    try checkAcceleratorName(name)
    do {
        try reader.finish(accepted: [])
    } catch {
        guard case .invalidParameter(let property, _) = error else { throw error }
        throw .propertyNotFound(device: "kvm-accel", property: property)
    }
    return nil
}

/// - Returns: a text for `help`.
func checkProcessorModel(_ text: String) throws(DialectError) -> String? {
    if isHelpRequest(text) {
        return """
            Available CPUs:
            x86 host                  The host's CPU, as far as KVM passes it on (default)
            x86 max                   The same

            """
    }
    let parts = text.utf8.split(separator: UInt8(ascii: ","), maxSplits: 1, omittingEmptySubsequences: false)
    let model = parts.first.map { String(Substring($0)) } ?? ""
    guard model == "host" || model == "max" else { throw .unknownProcessorModel(model) }
    if parts.count > 1 { throw .processorFeatureNotSupported(String(Substring(parts[1]))) }
    return nil
}

/// `-name [guest=]NAME[,debug-threads=on|off]`.
/// - Returns: the guest's name and warnings.
func parseName(_ text: String) throws(DialectError) -> (name: String?, warnings: [String]) {
    let options = try OptionString(text, impliedName: "guest")
    var reader = PropertyReader(options)
    let name = reader.text("guest")
    // Threads always bear names.
    _ = try reader.boolean("debug-threads")
    if let process = reader.text("process") {
        throw .unsupportedValue(
            parameter: "process", value: process, reason: "the process keeps its name; leave it out")
    }
    try reader.finish(accepted: ["guest", "debug-threads"])
    return (name, options.warnings)
}
