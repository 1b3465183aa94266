import Options
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
        "disable-legacy=off: not supported: the device is modern only (virtio 1.3)"),
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

@Test(arguments: [
    ("nvdimm,memdev=m", "virtio-pmem-pci,memdev="), ("virtio-pmem,memdev=m", "virtio-pmem-pci"),
    ("virtio-rng-device", "virtio-rng-pci"),
])
func relatedDevicesPointToOurs(text: String, ours: String) {
    let error = refusal { _ = try parseDevice(text) }
    #expect(error?.advice?.contains("-device \(ours)") == true)
}

/// `-device MODEL,help` knows devices only.
@Test(arguments: [("virtio-pmem-pci", true), ("needletail-machine", false), ("kvm-accel", false)])
func unknownPropertiesOfDevicesPointToTheirHelp(owner: String, points: Bool) {
    #expect((DialectError.propertyNotFound(device: owner, property: "foo").advice != nil) == points)
}

/// What a `-device` asks for.
func anyDevice(_ text: String) throws -> any DeviceOptions {
    guard case .value(let device, _) = try parseDevice(text) else { throw DialectError.invalidOption }
    return device
}

private func parsedDevice(_ text: String) throws -> VirtioPMemOptions {
    try #require(try anyDevice(text) as? VirtioPMemOptions)
}

@Test func documentedDevice() throws {
    let device = try parsedDevice("virtio-pmem-pci,memdev=mem1,id=nv1")
    #expect(device == VirtioPMemOptions(memoryBackend: "mem1", pci: VirtioPCIOptions(id: "nv1")))
}

@Test func everyDevicePropertyArrives() throws {
    let device = try parsedDevice(
        "virtio-pmem-pci,memdev=m,memaddr=0x180000000,addr=1f.0,bus=pcie.0,disable-legacy=on,disable-modern=off,"
            + "iommu_platform=off,packed=off,ioeventfd=on,vectors=2,event_idx=on,rombar=0,romfile=,multifunction=off")
    var expected = VirtioPMemOptions(memoryBackend: "m", pci: VirtioPCIOptions(slot: PCISlot(device: 31)))
    expected.memoryAddress = 0x1_8000_0000
    #expect(device == expected)
}

@Test(arguments: [("packed=on", true), ("packed", true), ("packed=off", false), ("id=x", false)])
func packedRingIsOfferedOnRequest(text: String, isOffered: Bool) throws {
    #expect(try parsedDevice("virtio-pmem-pci,memdev=m,\(text)").pci.offersPackedRing == isOffered)
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

struct InventoryRow: Sendable, CustomTestStringConvertible {
    let devices: [String]
    let error: DialectError
    var testDescription: String { devices.joined(separator: " ") }
}

private func pmemLink(_ id: String) -> ObjectReference {
    ObjectReference(property: "memdev", id: id, interface: "memory-backend", isExclusive: true)
}

private func rngLink(_ id: String) -> ObjectReference {
    ObjectReference(property: "rng", id: id, interface: "rng-backend", isExclusive: false)
}

private let inventoryRows = [
    InventoryRow(devices: ["virtio-pmem-pci,memdev=x"], error: .linkedObjectNotFound(pmemLink("x"))),
    InventoryRow(
        devices: ["virtio-pmem-pci,memdev=m,id=a", "virtio-pmem-pci,memdev=m,id=b"],
        error: .linkedObjectBusy(pmemLink("m"), by: "device 'a'")),
    InventoryRow(
        devices: ["virtio-pmem-pci,memdev=m,id=a", "virtio-pmem-pci,memdev=n,id=a"],
        error: .duplicateIdentifier("a", kind: "device")),
    InventoryRow(
        devices: ["virtio-pmem-pci,memdev=m,addr=5", "virtio-pmem-pci,memdev=n,addr=05.0"],
        error: .slotTaken(PCISlot(device: 5)!, model: "virtio-pmem-pci", by: "a device without id")),
    InventoryRow(
        devices: ["virtio-pmem-pci,memdev=m,addr=0"],
        error: .slotTaken(PCISlot(device: 0)!, model: "virtio-pmem-pci", by: "the host bridge")),
    InventoryRow(
        devices: ["virtio-pmem-pci,memdev=m,addr=5", "virtio-rng-pci,addr=5"],
        error: .slotTaken(PCISlot(device: 5)!, model: "virtio-rng-pci", by: "a device without id")),
    InventoryRow(devices: ["virtio-rng-pci,rng=x"], error: .linkedObjectNotFound(rngLink("x"))),
    InventoryRow(devices: ["virtio-rng-pci,rng=m"], error: .linkedObjectDoesNotFit(rngLink("m"))),
    InventoryRow(devices: ["virtio-pmem-pci,memdev=r"], error: .linkedObjectDoesNotFit(pmemLink("r"))),
    InventoryRow(
        devices: ["virtio-pmem-pci,memdev=m,id=a", "virtio-rng-pci,id=a"],
        error: .duplicateIdentifier("a", kind: "device")),
    InventoryRow(
        devices: ["virtio-pmem-pci,memdev=test,x-shmem=on"],
        error: .unsupportedValue(
            parameter: "x-shmem", value: "on",
            reason: "with durability=power-cut-test the memory has to stay where it is, or stores could be overlooked")),
]

private func inventory() throws -> DeviceInventory {
    var inventory = DeviceInventory()
    let powerCutTest = "memory-backend-file,id=test,mem-path=f,size=4M,share=on,durability=power-cut-test"
    for object in [
        "memory-backend-ram,id=m,size=4M", "memory-backend-ram,id=n,size=4M", "rng-builtin,id=r", powerCutTest,
    ] {
        guard case .value(let options, _) = try parseObject(object) else { throw DialectError.invalidOption }
        try inventory.add(options)
    }
    return inventory
}

@Test(arguments: inventoryRows)
func inventoryRefusesAndKeepsNoTrace(row: InventoryRow) throws {
    var inventory = try inventory()
    for text in row.devices.dropLast() { try inventory.add(try anyDevice(text)) }
    let before = "\(inventory)"
    let last = try anyDevice(try #require(row.devices.last))
    let error = refusal { try inventory.add(last) }
    #expect(error == row.error)
    #expect("\(inventory)" == before)
}

/// As in QEMU, any number of devices may use a source of random numbers; it stays while one of them does.
@Test func randomSourceIsShared() throws {
    var inventory = try inventory()
    let names = try ["rng=r", "rng=r,id=a", "rng=r", "id=b", "max-bytes=1", "rng="].map {
        try inventory.add(try anyDevice("virtio-rng-pci,\($0)"))
    }
    #expect(names == ["rng=r", "a", "rng=r#2", "b", "virtio-rng-pci", "virtio-rng-pci#2"])
    #expect(refusal { try inventory.removeObject("r") } == .objectInUse("r", by: "a device without id"))
    for name in ["rng=r", "a", "rng=r#2"] { inventory.removeDevice(named: name) }
    try inventory.removeObject("r")
    #expect(inventory.devices.map(\.name) == ["b", "virtio-rng-pci", "virtio-rng-pci#2"])
}
