import Options
import QEMUDialect

func pciAnswer(_ functions: [PCIFunctionStatus]) -> JSONValue {
    [.object(["bus": 0, "devices": .array(functions.map(functionAnswer))])]
}

private func functionAnswer(_ function: PCIFunctionStatus) -> JSONValue {
    var classInformation = [JSONMember("class", .integer(Int64(function.classCode)))]
    if let name = function.className { classInformation.append(JSONMember("desc", .string(name))) }
    return .object([
        // No function has an interrupt pin: they signal by message.
        "irq_pin": 0, "bus": 0, "qdev_id": .string(function.id ?? ""), "slot": .integer(Int64(function.slot.device)),
        "class_info": .object(classInformation), "id": identifiers(function),
        "function": .integer(Int64(function.slot.function)), "regions": .array(function.regions.map(regionAnswer)),
    ])
}

private func identifiers(_ function: PCIFunctionStatus) -> JSONValue {
    var members = [JSONMember("device", .integer(Int64(function.device)))]
    if function.subsystemVendor != 0 {
        members.append(JSONMember("subsystem-vendor", .integer(Int64(function.subsystemVendor))))
        members.append(JSONMember("subsystem", .integer(Int64(function.subsystem))))
    }
    members.append(JSONMember("vendor", .integer(Int64(function.vendor))))
    return .object(members)
}

private func regionAnswer(_ region: PCIFunctionStatus.Region) -> JSONValue {
    let common = [
        JSONMember("bar", .integer(Int64(region.bar))), JSONMember("size", .integer(region.size)),
        JSONMember("address", region.address.map { .integer($0) } ?? -1),
        JSONMember("type", region.isMemory ? "memory" : "io"),
    ]
    guard region.isMemory else { return .object(common) }
    return .object(
        [
            JSONMember("prefetch", .boolean(region.isPrefetchable)),
            JSONMember("mem_type_64", .boolean(region.is64Bit)),
        ] + common)
}
