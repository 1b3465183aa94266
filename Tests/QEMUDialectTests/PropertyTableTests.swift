import Options
import Testing

@testable import QEMUDialect

/// A device model or an object type, with what its options need at least.
struct TableRow: Sendable, CustomTestStringConvertible {
    let name: String
    let needed: String
    let properties: [PropertyDescription]
    let isDevice: Bool
    var testDescription: String { name }

    /// Whether the text after the name is understood; throws what is wrong.
    func parse(_ properties: String) throws -> String {
        let text = "\(name),id=x" + needed + properties
        if isDevice {
            guard case .value(let options, _) = try parseDevice(text) else { throw DialectError.invalidOption }
            return "\(options)"
        }
        guard case .value(let options, _) = try parseObject(text) else { throw DialectError.invalidOption }
        return "\(options)"
    }

    func help() throws -> String {
        if isDevice, case .help(let text) = try parseDevice("\(name),help") { return text }
        if !isDevice, case .help(let text) = try parseObject("\(name),help") { return text }
        throw DialectError.invalidOption
    }
}

private let tables =
    deviceModels.map { model in
        TableRow(
            name: model.name, needed: model.name == "virtio-pmem-pci" ? ",memdev=m" : "",
            properties: model.properties, isDevice: true)
    }
    + objectTypes.map { type in
        let needed = type.interface == "memory-backend" ? ",size=4M" : ""
        return TableRow(
            name: type.name, needed: needed + (type.name == "memory-backend-file" ? ",mem-path=f" : ""),
            properties: type.properties, isDevice: false)
    }

@Test(arguments: tables)
func helpListsEveryPropertyOnceInOrder(table: TableRow) throws {
    let lines = try table.help().split(separator: "\n").map(String.init)
    let names = table.properties.map(\.name)
    #expect(names == names.sorted { $0 < $1 } && Set(names).count == names.count && names.contains("id"))
    #expect(lines.first == "\(table.name) options:" && lines.count == names.count + 1)
    for (line, property) in zip(lines.dropFirst(), table.properties) {
        #expect(line.hasPrefix("  \(property.name)=<\(property.type)>") && line.contains(" - \(property.meaning)"))
        if let value = property.defaultValue {
            #expect(line.hasSuffix(" (default: \(value.text))"))
        } else {
            #expect(!line.contains("(default:"))
        }
    }
}

/// A property's default, given, changes nothing, so the help says what the parser does without it.
@Test(arguments: tables)
func defaultsAreWhatTheParserTakes(table: TableRow) throws {
    let without = try table.parse("")
    for property in table.properties {
        guard let value = property.defaultValue else { continue }
        #expect(try table.parse(",\(property.name)=\(value.text)") == without, "\(property.name)")
    }
}

/// Every property in the help is known to the parser, whatever it thinks of the value; one that is not in it is not.
@Test(arguments: tables)
func theParserKnowsTheProperties(table: TableRow) {
    func isKnown(_ name: String) -> Bool {
        switch refusal({ _ = try table.parse(",\(name)=\u{1}") }) {
        case .invalidParameter, .propertyNotFound: false
        default: true
        }
    }
    for property in table.properties { #expect(isKnown(property.name), "\(property.name)") }
    #expect(!isKnown("no-such-property"))
}

/// A property whose text has a type refuses a text of another, and one with a form for JSON takes a value of that form.
@Test(arguments: tables)
func formsAreWhatTheParserTakes(table: TableRow) throws {
    for property in table.properties where property.form != .text {
        let error = refusal { _ = try table.parse(",\(property.name)=words") }
        #expect(error != nil, "\(property.name)")
    }
}

@Test func modelsAndTypesAreListedByName() throws {
    #expect(deviceModels.map(\.name) == deviceModels.map(\.name).sorted { $0 < $1 })
    #expect(objectTypes.map(\.name) == objectTypes.map(\.name).sorted { $0 < $1 })
    guard case .help(let devices) = try parseDevice("help"), case .help(let objects) = try parseObject("help") else {
        Issue.record("no help")
        return
    }
    for model in deviceModels { #expect(devices.contains("\nname \"\(model.name)\", bus PCI")) }
    for type in objectTypes { #expect(objects.contains("\n  \(type.name)\n")) }
}

// MARK: - virtio-rng-pci

@Test func everyRandomPropertyArrives() throws {
    let device = try #require(
        try anyDevice("virtio-rng,rng=r,max-bytes=1024,period=1000,id=x,addr=3,bus=pcie.0,packed=on,disable-legacy=on")
            as? VirtioRNGOptions)
    var expected = VirtioRNGOptions(source: "r", pci: VirtioPCIOptions(id: "x", slot: PCISlot(device: 3)))
    (expected.maximumByteCount, expected.period, expected.pci.offersPackedRing) = (1024, 1000, true)
    #expect(device == expected)
}

/// An empty rng= is no rng=, and a device without it uses none of the machine's objects.
@Test(arguments: ["virtio-rng-pci", "virtio-rng-pci,rng=", "virtio-rng-pci,rng=r,rng="])
func randomDeviceMayHaveNoSource(text: String) throws {
    let device = try anyDevice(text)
    #expect(device.isEqual(to: VirtioRNGOptions()) && device.objects.isEmpty)
}

/// QEMU 7.2's messages.
@Test(arguments: [
    RefusalRow("max-bytes=x", "Parameter 'max-bytes' expects integer"),
    RefusalRow("max-bytes=", "Parameter 'max-bytes' expects integer"),
    RefusalRow("max-bytes=1K", "Parameter 'max-bytes' expects integer"),
    RefusalRow("max-bytes=18446744073709551616", "Parameter 'max-bytes' expects integer"),
    RefusalRow("max-bytes=-1", "'max-bytes' parameter must be non-negative, and less than 2^63"),
    RefusalRow("max-bytes=9223372036854775808", "'max-bytes' parameter must be non-negative, and less than 2^63"),
    RefusalRow("period=0", "'period' parameter expects a positive integer"),
    RefusalRow("period=-1", "Parameter 'period' expects uint32_t"),
    RefusalRow("period=4294967296", "Parameter 'period' expects uint32_t"),
    RefusalRow("period=soon", "Parameter 'period' expects integer"),
    RefusalRow("foo=1", "Property 'virtio-rng-pci.foo' not found"),
    RefusalRow("bus=pci.1", "Bus 'pci.1' not found"),
    RefusalRow("addr=40", "Property 'virtio-rng-pci.addr' doesn't take value '40'"),
    RefusalRow("memdev=m", "Property 'virtio-rng-pci.memdev' not found"),
])
func randomDeviceIsRefused(row: RefusalRow) {
    #expect(refusal { _ = try parseDevice("virtio-rng-pci,\(row.text)") }?.message == row.message)
}
