import Options
import Testing

@testable import QEMUDialect

/// A line and what is shown for it; what QEMU 7.2 shows where it has the command.
struct HMPErrorRow: Sendable, CustomTestStringConvertible {
    let line: String
    let text: String
    var testDescription: String { line }

    init(_ line: String, _ text: String) {
        self.line = line
        self.text = text
    }
}

private let refusedLines = [
    HMPErrorRow("foo", "unknown command: 'foo'\n"),
    HMPErrorRow("inf status", "unknown command: 'inf'\n"),
    HMPErrorRow("info foo", "unknown command: 'info foo'\n"),
    HMPErrorRow("info sta", "unknown command: 'info sta'\n"),
    HMPErrorRow("help foo", "unknown command: 'foo'\n"),
    HMPErrorRow("help a b c", "unknown command: 'a'\n"),
    HMPErrorRow("help info foo", "unknown command: 'info foo'\n"),
    HMPErrorRow(
        "info status bar",
        "status: extraneous characters at the end of line\nTry \"help info status\" for more information\n"),
    HMPErrorRow("stop x", "stop|s: extraneous characters at the end of line\nTry \"help stop\" for more information\n"),
    HMPErrorRow("s x", "stop|s: extraneous characters at the end of line\nTry \"help stop\" for more information\n"),
    HMPErrorRow("object_add", "object_add: string expected\nTry \"help object_add\" for more information\n"),
    HMPErrorRow("object_del", "object_del: string expected\nTry \"help object_del\" for more information\n"),
    HMPErrorRow("device_del", "device_del: string expected\nTry \"help device_del\" for more information\n"),
    HMPErrorRow("device_add \"x", "unterminated string\nTry \"help device_add\" for more information\n"),
    HMPErrorRow("device_add \"x\\", "unterminated string\nTry \"help device_add\" for more information\n"),
    HMPErrorRow("device_add \"\\q\"", "unsupported escape code: '\\q'\nTry \"help device_add\" for more information\n"),
    HMPErrorRow(
        "device_add a b",
        "device_add: extraneous characters at the end of line\nTry \"help device_add\" for more information\n"),
    HMPErrorRow(
        "x-needletail-power-cut gently",
        "x-needletail-power-cut: drop, subset or torn expected\nTry \"help x-needletail-power-cut\" for more information\n"
    ),
    HMPErrorRow("x-needletail-power-cut subset x", "x-needletail-power-cut: integer expected\n"),
    HMPErrorRow("x-needletail-power-cut subset -1", "x-needletail-power-cut: integer expected\n"),
    HMPErrorRow("x-needletail-power-cut 7", "x-needletail-power-cut: drop, subset or torn expected\n"),
    HMPErrorRow(
        "x-needletail-power-cut torn 7 8", "x-needletail-power-cut: extraneous characters at the end of line\n"),
    HMPErrorRow("object_add memory-backend-file,share=on", "Error: Parameter 'id' is missing\nAdd id=NAME"),
    HMPErrorRow("object_add foo", "Error: Parameter 'qom-type' does not accept value 'foo'\n"),
    HMPErrorRow("object_add memory-backend-ram,id=x,size=1M,foo=1", "Error: Parameter 'foo' is unexpected\n"),
    HMPErrorRow(
        "object_add \"memory-backend-ram,id=q,size=1M\" x",
        "Error: Parameter 'qom-type' does not accept value '\"memory-backend-ram'\n"),
    HMPErrorRow("device_add", "Error: Parameter 'driver' is missing\n"),
    HMPErrorRow("device_add id=x", "Error: Parameter 'driver' is missing\n"),
    HMPErrorRow("device_add nope", "Error: 'nope' is not a valid device model name\n"),
    HMPErrorRow("device_add virtio-pmem-pci,id=a", "Error: 'memdev' property must be set\n"),
    HMPErrorRow(
        "device_add virtio-pmem-pci,id=1z,memdev=m",
        "Error: Parameter 'id' expects an identifier\nIdentifiers consist of letters, digits, '-', '.', '_', starting with a letter.\n"
    ),
    HMPErrorRow("device_add virtio-pmem-pci,id=z,memdev=m,foo=1", "Error: Property 'virtio-pmem-pci.foo' not found\n"),
    HMPErrorRow(
        "device_add virtio-pmem-pci,id=z,memdev=m,addr=99",
        "Error: Property 'virtio-pmem-pci.addr' doesn't take value '99'\n"),
    HMPErrorRow("device_add virtio-pmem-pci,id=z,memdev=m,bus=nope", "Error: Bus 'nope' not found\n"),
]

@Test(arguments: refusedLines)
func hmpLineIsRefused(row: HMPErrorRow) {
    var text: String?
    do { _ = try parseHMPCommand(row.line) } catch { text = error.text }
    #expect(text?.hasPrefix(row.text) == true, "\(text ?? "accepted")")
}

@Test(
    arguments: [
        ("", .nothing), ("   ", .nothing), ("stop", .stop), ("s", .stop), (" cont ", .resume), ("c", .resume),
        ("q", .quit),
        ("quit", .quit), ("system_powerdown", .powerDown), ("system_reset", .reset), ("info  status", .info(.status)),
        ("info memory-devices", .info(.memoryDevices)), ("object_del mem2", .removeObject(id: "mem2")),
        ("object_del \"a b\\\"\"", .removeObject(id: "a b\"")), ("device_del nv1", .removeDevice(id: "nv1")),
        ("x-needletail-power-cut", .cutPower(PowerCutOptions(mode: .drop, seed: 0))),
        ("x-needletail-power-cut drop", .cutPower(PowerCutOptions(mode: .drop, seed: 0))),
        ("x-needletail-power-cut subset 0x10", .cutPower(PowerCutOptions(mode: .subset, seed: 16))),
        ("x-needletail-power-cut torn 18446744073709551615", .cutPower(PowerCutOptions(mode: .torn, seed: .max))),
        ("help stop", .show("stop|s  -- stop emulation\n")),
        ("? info status", .show("info status  -- show the current VM status (running|paused)\n")),
        ("help device_del", .show("device_del device -- remove device\n")),
    ] as [(String, HMPCommand)])
func hmpLineIsUnderstood(line: String, command: HMPCommand) throws {
    #expect("\(try parseHMPCommand(line))" == "\(command)")
}

@Test func documentedMonitorCommands() throws {
    let object = try parseHMPCommand(
        "object_add memory-backend-file,id=mem2,share=on,mem-path=virtio_pmem2.img,size=4G")
    guard case .addObject(let backend, warnings: []) = object else {
        Issue.record("\(object)")
        return
    }
    var expectedBackend = FileBackendOptions(id: "mem2", byteCount: 4 << 30, path: "virtio_pmem2.img")
    expectedBackend.isShared = true
    #expect(backend.isEqual(to: expectedBackend))
    let device = try parseHMPCommand("device_add virtio-pmem-pci,id=virtio_pmem2,memdev=mem2")
    guard case .addDevice(let options, warnings: []) = device else {
        Issue.record("\(device)")
        return
    }
    #expect(options.isEqual(to: VirtioPMemOptions(memoryBackend: "mem2", pci: VirtioPCIOptions(id: "virtio_pmem2"))))
}

@Test(arguments: [
    ("object_add help", "List of user creatable objects:\n"), ("device_add help", "Misc devices:\n"),
    ("device_add virtio-pmem-pci,help", "virtio-pmem-pci options:\n"), ("help", "cont|c  -- resume emulation\n"),
    ("info", "info cpus  -- show infos for each CPU\n"), ("help info", "info cpus  -- show infos for each CPU\n"),
])
func hmpHelp(line: String, beginning: String) throws {
    guard case .show(let text) = try parseHMPCommand(line) else {
        Issue.record("no text")
        return
    }
    #expect(text.hasPrefix(beginning), "\(text)")
}

@Test func helpListsEveryVerbOnceInOrder() throws {
    let names = hmpVerbs.compactMap(\.names.first)
    #expect(names == names.sorted { $0 < $1 } && Set(names).count == names.count)
    #expect(InfoTopic.allCases.map(\.rawValue) == InfoTopic.allCases.map(\.rawValue).sorted())
}

@Test(arguments: [
    ("", "", 18, ""), ("in", "in", 1, "fo "), ("info ", "", 10, ""), ("info n", "n", 1, "ame "),
    ("info m", "m", 2, "em"),
    ("help info sta", "sta", 1, "tus "), ("? s", "s", 4, ""), ("object_add memory", "memory", 3, "-backend-"),
    ("x-needletail-power-cut s", "s", 1, "ubset "), ("x-needletail-power-cut torn ", "", 0, ""),
    ("object_del ", "", 2, "m"), ("device_del ", "", 1, "nv1 "), ("device_add vir", "vir", 2, "tio-"),
    ("device_add virtio-p", "virtio-p", 1, "mem-pci "),
    ("object_add rng-b", "rng-b", 1, "uiltin "),
    ("zz", "zz", 0, ""), ("info status ", "", 0, ""), ("nope ", "", 0, ""), ("object_del mem1 ", "", 0, ""),
])
func completions(line: String, typed: String, count: Int, insertion: String) {
    let completion = completeHMP(line, names: CompletionNames(objects: ["mem1", "mx"], devices: ["nv1"]))
    #expect(completion.typed == typed && completion.insertion == insertion)
    #expect(completion.candidates.count == count, "\(completion.candidates)")
}
