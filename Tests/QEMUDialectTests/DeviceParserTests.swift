import Testing

@testable import QEMUDialect

private let device = "virtio-pmem-pci,memdev=m"

private let deviceRefusals = [
    RefusalRow("", "Parameter 'driver' is missing"),
    RefusalRow("memdev=m", "Parameter 'driver' is missing"),
    RefusalRow("foo", "'foo' is not a valid device model name"),
    RefusalRow("virtio-blk-pci,drive=d", "'virtio-blk-pci' is not a valid device model name"),
    RefusalRow("\(device),driver=foo", "'foo' is not a valid device model name"),
    RefusalRow("nvdimm,memdev=m", "nvdimm is not supported"),
    RefusalRow("virtio-pmem,memdev=m", "No 'virtio-bus' bus found for device 'virtio-pmem'"),
    RefusalRow("virtio-pmem-pci", "'memdev' property must be set"),
    RefusalRow("virtio-pmem-pci,id=a", "'memdev' property must be set"),
    RefusalRow("virtio-pmem-pci,memdev=", "'memdev' property must be set"),
    RefusalRow("\(device),id=1a", "Parameter 'id' expects an identifier"),
    RefusalRow("\(device),foo=3", "Property 'virtio-pmem-pci.foo' not found"),
    RefusalRow("\(device),foo", "Property 'virtio-pmem-pci.foo' not found"),
    RefusalRow("\(device),addr=5.9", "Property 'virtio-pmem-pci.addr' doesn't take value '5.9'"),
    RefusalRow("\(device),addr=20", "Property 'virtio-pmem-pci.addr' doesn't take value '20'"),
    RefusalRow("\(device),addr=5.0.1", "Property 'virtio-pmem-pci.addr' doesn't take value '5.0.1'"),
    RefusalRow("\(device),addr=zz", "Property 'virtio-pmem-pci.addr' doesn't take value 'zz'"),
    RefusalRow("\(device),addr=5.1", "addr=5.1: not supported: functions other than 0"),
    RefusalRow("\(device),bus=pci.1", "Bus 'pci.1' not found"),
    RefusalRow("\(device),memaddr=5G", "Parameter 'memaddr' expects integer"),
    RefusalRow("\(device),memaddr=-1", "Parameter 'memaddr' expects integer"),
    RefusalRow("\(device),packed=maybe", "Parameter 'packed' expects 'on' or 'off'"),
    RefusalRow("\(device),x-shmem=1", "Parameter 'x-shmem' expects 'on' or 'off'"),
    RefusalRow(
        "\(device),x-shmem=on,memaddr=0x40000000",
        "x-shmem=on: not supported: the guest chooses the address of a BAR; leave memaddr out"),
    RefusalRow("\(device),queue_reset=on", "queue_reset=on: not supported: the device does not offer this feature"),
    RefusalRow(
        "\(device),x-needletail-queue-size=3",
        "Property 'virtio-pmem-pci.x-needletail-queue-size' doesn't take value '3'"),
    RefusalRow(
        "\(device),x-needletail-queue-size=2048",
        "Property 'virtio-pmem-pci.x-needletail-queue-size' doesn't take value '2048'"),
    RefusalRow("\(device),iommu_platform=on", "iommu_platform=on: not supported: there is no IOMMU"),
    RefusalRow("\(device),disable-legacy=foo", "Parameter 'disable-legacy' does not accept value 'foo'"),
    RefusalRow(
        "\(device),disable-legacy=off",
        "disable-legacy=off: not supported: the device is modern only (virtio 1.3, 5.19)"),
    RefusalRow("\(device),rombar=x", "Parameter 'rombar' expects integer"),
    RefusalRow("\(device),romfile=a.rom", "romfile=a.rom: not supported: the device has no expansion ROM"),
    RefusalRow(
        "\(device),vectors=3", "vectors=3: not supported: one interrupt for the queue, one for configuration"),
    RefusalRow("nvdimm,help", "nvdimm is not supported"),
]

@Test(arguments: deviceRefusals)
func deviceIsRefused(row: RefusalRow) {
    let error = refusal { _ = try parseDevice(row.text) }
    #expect(error?.message == row.message)
}

@Test(arguments: ["nvdimm,memdev=m", "virtio-pmem,memdev=m"])
func relatedDevicesPointToOurs(text: String) {
    let error = refusal { _ = try parseDevice(text) }
    #expect(error?.advice?.contains("-device virtio-pmem-pci,memdev=") == true)
}

/// `-device MODEL,help` knows devices only.
@Test(arguments: [("virtio-pmem-pci", true), ("needletail-machine", false), ("kvm-accel", false)])
func unknownPropertiesOfDevicesPointToTheirHelp(owner: String, points: Bool) {
    #expect((DialectError.propertyNotFound(device: owner, property: "foo").advice != nil) == points)
}

private func parsedDevice(_ text: String) throws -> VirtioPMemOptions {
    guard case .value(let device, _) = try parseDevice(text) else { throw DialectError.invalidOption }
    return device
}

@Test func documentedDevice() throws {
    let device = try parsedDevice("virtio-pmem-pci,memdev=mem1,id=nv1")
    #expect(device == VirtioPMemOptions(id: "nv1", memoryBackend: "mem1", memoryAddress: 0, slot: nil))
}

@Test func everyDevicePropertyArrives() throws {
    let device = try parsedDevice(
        "virtio-pmem-pci,memdev=m,memaddr=0x180000000,addr=1f.0,bus=pcie.0,disable-legacy=on,disable-modern=off,"
            + "iommu_platform=off,packed=off,ioeventfd=on,vectors=2,event_idx=on,rombar=0,romfile=,multifunction=off")
    let expected = VirtioPMemOptions(
        id: nil, memoryBackend: "m", memoryAddress: 0x1_8000_0000, slot: PCISlot(device: 31))
    #expect(device == expected)
}

@Test(arguments: [("packed=on", true), ("packed", true), ("packed=off", false), ("id=x", false)])
func packedRingIsOfferedOnRequest(text: String, isOffered: Bool) throws {
    #expect(try parsedDevice("virtio-pmem-pci,memdev=m,\(text)").offersPackedRing == isOffered)
}

@Test(arguments: [
    ("x-shmem=on", true), ("x-shmem", true), ("x-shmem=on,memaddr=0", true), ("x-shmem=off,memaddr=0x40000000", false),
    ("id=x", false),
])
func sharedMemoryRegionIsOfferedOnRequest(text: String, isOffered: Bool) throws {
    #expect(try parsedDevice("virtio-pmem-pci,memdev=m,\(text)").offersSharedMemoryRegion == isOffered)
}

@Test(arguments: [2, 128, 1024] as [UInt16])
func queueSizeArrives(size: UInt16) throws {
    #expect(try parsedDevice("virtio-pmem-pci,memdev=m,x-needletail-queue-size=\(size)").queueSize == size)
}

@Test func ofARepeatedMemdevTheLastCounts() throws {
    #expect(try parsedDevice("virtio-pmem-pci,memdev=m,memdev=x").memoryBackend == "x")
}

@Test func deviceHelpListsEveryProperty() throws {
    guard case .help(let text) = try parseDevice("virtio-pmem-pci,help"), case .help(let list) = try parseDevice("help")
    else {
        Issue.record("no help")
        return
    }
    for name in ["memdev", "memaddr", "addr", "bus", "id", "packed", "x-needletail-queue-size", "x-shmem"]
        + fixedVirtioPCIProperties.map(\.name)
    {
        #expect(text.contains("\n  \(name)=<"))
    }
    #expect(list.contains(#"name "virtio-pmem-pci", bus PCI"#))
}

struct InventoryRow: Sendable, CustomTestStringConvertible {
    let devices: [String]
    let error: DialectError
    var testDescription: String { devices.joined(separator: " ") }
}

private let inventoryRows = [
    InventoryRow(devices: ["virtio-pmem-pci,memdev=x"], error: .memoryBackendNotFound("x")),
    InventoryRow(
        devices: ["virtio-pmem-pci,memdev=m,id=a", "virtio-pmem-pci,memdev=m,id=b"],
        error: .memoryBackendBusy("m", by: "device 'a'")),
    InventoryRow(
        devices: ["virtio-pmem-pci,memdev=m,id=a", "virtio-pmem-pci,memdev=n,id=a"],
        error: .duplicateIdentifier("a", kind: "device")),
    InventoryRow(
        devices: ["virtio-pmem-pci,memdev=m,addr=5", "virtio-pmem-pci,memdev=n,addr=05.0"],
        error: .slotTaken(PCISlot(device: 5)!, by: "a device without id")),
    InventoryRow(
        devices: ["virtio-pmem-pci,memdev=m,addr=0"], error: .slotTaken(PCISlot(device: 0)!, by: "the host bridge")),
    InventoryRow(
        devices: ["virtio-pmem-pci,memdev=test,x-shmem=on"],
        error: .unsupportedValue(
            parameter: "x-shmem", value: "on",
            reason: "with durability=power-cut-test the memory has to stay where it is, or stores could be overlooked")),
]

@Test(arguments: inventoryRows)
func inventoryRefusesAndKeepsNoTrace(row: InventoryRow) throws {
    var inventory = DeviceInventory()
    let powerCutTest = "memory-backend-file,id=test,mem-path=f,size=4M,share=on,durability=power-cut-test"
    for object in ["memory-backend-ram,id=m,size=4M", "memory-backend-ram,id=n,size=4M", powerCutTest] {
        guard case .value(let backend, _) = try parseObject(object) else { return }
        try inventory.add(backend)
    }
    for text in row.devices.dropLast() { try inventory.add(try parsedDevice(text)) }
    let before = inventory
    let last = try parsedDevice(try #require(row.devices.last))
    let error = refusal { try inventory.add(last) }
    #expect(error == row.error)
    #expect(inventory == before)
}
