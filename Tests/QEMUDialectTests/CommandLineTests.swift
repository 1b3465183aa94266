import Options
import Testing

@testable import QEMUDialect

/// Splits at spaces; a row that needs spaces in a value gives an array instead.
struct CommandLineRow: Sendable, CustomTestStringConvertible {
    let arguments: [String]
    let text: String
    var testDescription: String { arguments.joined(separator: " ") }

    init(_ line: String, _ text: String) {
        arguments = line.split(separator: " ").map(String.init)
        self.text = text
    }

    init(_ arguments: [String], _ text: String) {
        self.arguments = arguments
        self.text = text
    }
}

private let sizeHint =
    "\nOptional suffix k, M, G, T, P or E means kilo-, mega-, giga-, tera-, peta-\nand exabytes, respectively."

/// The beginning of what is shown.
private let refusedLines = [
    CommandLineRow("", "needletail: no kernel to boot\nAdd -kernel FILE"),
    CommandLineRow("-append x", "needletail: -append only allowed with -kernel option\n"),
    CommandLineRow("-initrd x", "needletail: -initrd only allowed with -kernel option\n"),
    CommandLineRow("-foo", "needletail: -foo: invalid option\n"),
    CommandLineRow("--foo", "needletail: --foo: invalid option\n"),
    CommandLineRow("-", "needletail: -: invalid option\n"),
    CommandLineRow("--", "needletail: --: invalid option\n"),
    CommandLineRow("-m", "needletail: -m: requires an argument"),
    CommandLineRow("-kernel", "needletail: -kernel: requires an argument"),
    CommandLineRow("-kernel k -object", "needletail: -object: requires an argument"),
    CommandLineRow(
        "disk.img", "needletail: disk.img: not supported: there are no disk drives\nGive the image to -object"),
    CommandLineRow("-drive file=x", "needletail: -drive: not supported: there are no disk drives"),
    CommandLineRow("-mon chardev=x", "needletail: -mon: not supported: "),
    CommandLineRow("-hda x", "needletail: -hda: not supported: "),
    CommandLineRow("-netdev user,id=n", "needletail: -netdev: not supported: there are no network devices"),
    CommandLineRow("-s", "needletail: -s: not supported: there is no debugger interface"),
    CommandLineRow("-qmp-pretty stdio", "needletail: -qmp-pretty: not supported: "),
    CommandLineRow("-chardev stdio,id=c", "needletail: -chardev: not supported: "),
    CommandLineRow(
        "-monitor vc", "needletail: -monitor vc: 'vc' is not a valid char driver\nPossible are: stdio, unix:"),
    CommandLineRow(
        "-qmp telnet:a:1,server=on",
        "needletail: -qmp telnet:a:1,server=on: 'telnet:a:1,server=on' is not a valid char driver\n"),
    CommandLineRow("-qmp unix:", "needletail: -qmp unix:: unix: has no path\n"),
    CommandLineRow("-qmp unix:q,foo=1", "needletail: -qmp unix:q,foo=1: Invalid parameter 'foo'"),
    CommandLineRow("-qmp unix:q,wait=off", "needletail: -qmp unix:q,wait=off: 'wait' option is incompatible"),
    CommandLineRow("-qmp tcp:localhost", "needletail: -qmp tcp:localhost: address 'localhost' is not HOST:PORT\n"),
    CommandLineRow("-monitor tcp:a:65536", "needletail: -monitor tcp:a:65536: address 'a:65536' is not HOST:PORT\n"),
    CommandLineRow(
        "-monitor stdio -qmp stdio", "needletail: -qmp stdio: cannot use stdio by multiple character devices\n"),
    CommandLineRow(
        "-serial mon:stdio -qmp stdio", "needletail: -qmp stdio: cannot use stdio by multiple character devices\n"),
    CommandLineRow(
        "-kernel k -nographic -monitor stdio", "needletail: cannot use stdio by multiple character devices\n"),
    CommandLineRow("-display gtk", "needletail: -display gtk: not supported: there is no display"),
    CommandLineRow("-vga std", "needletail: -vga std: not supported: there is no display"),
    CommandLineRow("-net user", "needletail: -net user: not supported: there are no network devices"),
    CommandLineRow(
        "-machine q35",
        "needletail: -machine q35: unsupported machine type\nThere is one machine type here: needletail."),
    CommandLineRow("-M microvm", "needletail: -M microvm: unsupported machine type\n"),
    CommandLineRow(
        "-machine needletail,foo=1",
        "needletail: -machine needletail,foo=1: Property 'needletail-machine.foo' not found"),
    CommandLineRow("-machine accel=tcg", "needletail: -machine accel=tcg: accelerator tcg: not supported\n"),
    CommandLineRow("-machine nvdimm=on", "needletail: -machine nvdimm=on: nvdimm=on: not supported: "),
    CommandLineRow(
        "-machine needletail,bar", "needletail: -machine needletail,bar: Expected '=' after parameter 'bar'"),
    CommandLineRow("-accel foo", "needletail: -accel foo: invalid accelerator foo\n"),
    CommandLineRow("-accel tcg", "needletail: -accel tcg: accelerator tcg: not supported\n"),
    CommandLineRow("-accel kvm,foo=1", "needletail: -accel kvm,foo=1: Property 'kvm-accel.foo' not found"),
    CommandLineRow("-cpu qemu64", "needletail: -cpu qemu64: unable to find CPU model 'qemu64'\n"),
    CommandLineRow("-cpu host,-avx", "needletail: -cpu host,-avx: CPU property '-avx': not supported\n"),
    CommandLineRow(
        "-m 512X", "needletail: -m 512X: Parameter 'size' expects a non-negative number below 2^64" + sizeHint),
    CommandLineRow("-m -1", "needletail: -m -1: Parameter 'size' expects a non-negative number below 2^64"),
    CommandLineRow("-m size=", "needletail: -m size=: Parameter 'size' expects a non-negative number below 2^64"),
    CommandLineRow(
        "-m 99999999999G", "needletail: -m 99999999999G: Value '99999999999G' is out of range for parameter 'size'"),
    CommandLineRow(
        "-m 18446744073709551615B",
        "needletail: -m 18446744073709551615B: Value '18446744073709551615B' is out of range"),
    CommandLineRow("-m 512M,foo=3", "needletail: -m 512M,foo=3: Invalid parameter 'foo'"),
    CommandLineRow("-m 512M,slots=2", "needletail: -m 512M,slots=2: slots specified but no max-size\n"),
    CommandLineRow(
        "-m 512M,slots=x,maxmem=1G", "needletail: -m 512M,slots=x,maxmem=1G: Parameter 'slots' expects a number"),
    CommandLineRow("-m 512M,maxmem=x", "needletail: -m 512M,maxmem=x: Parameter 'maxmem' expects a size value"),
    CommandLineRow(
        "-m 512M,slots=2,maxmem=256M",
        "needletail: -m 512M,slots=2,maxmem=256M: invalid value of maxmem: maximum memory size (0x10000000) must be at least the initial memory size (0x20000000)"
    ),
    CommandLineRow(
        "-m 512M,maxmem=512M,slots=1",
        "needletail: -m 512M,maxmem=512M,slots=1: invalid value of maxmem: memory slots were specified but maximum memory size (0x20000000) is equal"
    ),
    CommandLineRow(
        "-m 512M,slots=300,maxmem=4G",
        "needletail: -m 512M,slots=300,maxmem=4G: unsupported amount of memory slots: 300"),
    CommandLineRow("-smp x", "needletail: -smp x: Parameter 'smp.cpus' expects integer"),
    CommandLineRow("-smp 1.5", "needletail: -smp 1.5: Parameter 'smp.cpus' expects integer"),
    CommandLineRow("-smp 2,foo=1", "needletail: -smp 2,foo=1: Parameter 'smp.foo' is unexpected"),
    CommandLineRow("-smp 2,bar", "needletail: -smp 2,bar: Expected '=' after parameter 'bar'"),
    CommandLineRow(
        "-smp 0", "needletail: -smp 0: Invalid CPU topology: CPU topology parameters must be greater than zero"),
    CommandLineRow(
        "-smp 256", "needletail: -smp 256: Invalid SMP CPUs 256. The max CPUs supported by machine 'needletail' is 255"),
    CommandLineRow(
        "-smp sockets=255,cores=255,threads=255,dies=255",
        "needletail: -smp sockets=255,cores=255,threads=255,dies=255: Invalid SMP CPUs 4228250625."),
    CommandLineRow(
        "-smp 2,cores=3",
        "needletail: -smp 2,cores=3: Invalid CPU topology: product of the hierarchy must match maxcpus: sockets (0) * dies (1) * cores (3) * threads (1) != maxcpus (2)"
    ),
    CommandLineRow(
        "-smp 2,maxcpus=1",
        "needletail: -smp 2,maxcpus=1: Invalid CPU topology: maxcpus must be equal to or greater than smp: "),
    CommandLineRow("-smp 2,maxcpus=4", "needletail: -smp 2,maxcpus=4: maxcpus=4 with 2 CPUs: not supported: "),
    CommandLineRow("-serial foo", "needletail: -serial foo: 'foo' is not a valid char driver\n"),
    CommandLineRow("-serial file", "needletail: -serial file: 'file' is not a valid char driver\n"),
    CommandLineRow("-serial file:", "needletail: -serial file:: file: has no path\n"),
    CommandLineRow("-serial tcp:1:2", "needletail: -serial tcp:1:2: 'tcp:1:2' is not a valid char driver\n"),
    CommandLineRow("-serial unix:x,foo=1", "needletail: -serial unix:x,foo=1: Invalid parameter 'foo'"),
    CommandLineRow(
        "-serial unix:x,server=on,wait=maybe",
        "needletail: -serial unix:x,server=on,wait=maybe: Parameter 'wait' expects 'on' or 'off'"),
    CommandLineRow("-serial unix:x,wait=off", "needletail: -serial unix:x,wait=off: 'wait' option is incompatible"),
    CommandLineRow("-serial stdio -serial null", "needletail: -serial null: not supported: a second serial port"),
    CommandLineRow("-name a,bar=1", "needletail: -name a,bar=1: Invalid parameter 'bar'"),
    CommandLineRow("-name a,process=p", "needletail: -name a,process=p: process=p: not supported: "),
    CommandLineRow(
        "-x-needletail-log-level loud",
        "needletail: -x-needletail-log-level loud: Parameter 'x-needletail-log-level' does not accept value 'loud'\nPossible are: trace"
    ),
    CommandLineRow(
        "-object memory-backend-file,id=m",
        "needletail: -object memory-backend-file,id=m: Parameter 'size' is missing\n"),
    CommandLineRow(
        "--object memory-backend-file,id=m",
        "needletail: --object memory-backend-file,id=m: Parameter 'size' is missing\n"),
    CommandLineRow(
        "-kernel k -object memory-backend-ram,id=m,size=4M -object memory-backend-ram,id=m,size=8M",
        "needletail: -object memory-backend-ram,id=m,size=8M: Duplicate ID 'm' for object\n"),
    CommandLineRow(
        "-kernel k -device virtio-pmem-pci,memdev=x,id=a",
        "needletail: -device virtio-pmem-pci,memdev=x,id=a: Device 'x' not found\nmemdev names no memory-backend object"
    ),
    CommandLineRow(
        "-kernel k -object memory-backend-ram,id=m,size=4M -device virtio-pmem-pci,memdev=m,id=a -device virtio-pmem-pci,memdev=m,id=b",
        "needletail: -device virtio-pmem-pci,memdev=m,id=b: can't use already busy memdev: m\n'm' belongs to device 'a'."
    ),
]

@Test(arguments: refusedLines)
func commandLineIsRefused(row: CommandLineRow) throws {
    let error = commandLineError(row.arguments)
    let text = try #require(error?.text())
    #expect(text.hasPrefix(row.text), "\(text)")
}

func commandLineError(_ arguments: [String]) -> CommandLineError? {
    do {
        _ = try parseCommandLine(arguments)
        return nil
    } catch {
        return error
    }
}

func configuration(_ arguments: [String]) throws -> (MachineConfiguration, warnings: [String]) {
    guard case .run(let configuration, let warnings) = try parseCommandLine(arguments) else {
        throw DialectError.invalidOption
    }
    return (configuration, warnings)
}

private func configuration(_ line: String) throws -> MachineConfiguration {
    try configuration(["-kernel", "k"] + line.split(separator: " ").map(String.init)).0
}

@Test(arguments: ["share", "share=on"], [[], ["run"]])
func documentedCommandLine(share: String, verb: [String]) throws {
    let (machine, warnings) = try configuration(
        verb + [
            "-m", "512M", "-smp", "2", "-kernel", "vmlinuz", "-initrd", "initrd.img", "-append", "console=ttyS0",
            "-nographic",
            "-object", "memory-backend-file,id=mem1,\(share),mem-path=./virtio_pmem.img,size=4G",
            "-device", "virtio-pmem-pci,memdev=mem1,id=nv1",
        ])
    #expect(machine.memory.bytes == 512 << 20)
    #expect(machine.processors.processors == 2)
    #expect(machine.kernelPath == "vmlinuz" && machine.initrdPath == "initrd.img")
    #expect(machine.kernelCommandLine == "console=ttyS0")
    #expect(machine.isNographic && machine.serial == .standardInputOutput)
    #expect(
        machine.inventory.objects.map(\.id) == ["mem1"]
            && machine.inventory.objects.first?.memoryBackend?.isShared == true)
    #expect(
        machine.inventory.devices.map(\.name) == ["nv1"]
            && machine.inventory.devices.first?.options.objects.map(\.id) == ["mem1"])
    let option = "-object memory-backend-file,id=mem1,share,mem-path=./virtio_pmem.img,size=4G"
    let expected = "\(option): warning: short-form boolean option 'share' deprecated\nPlease use share=on instead"
    #expect(warnings == (share == "share" ? [expected] : []))
}

@Test func devicesMayComeBeforeTheirObjects() throws {
    let machine = try configuration(
        "-device virtio-pmem-pci,memdev=b -device virtio-pmem-pci,memdev=a -object memory-backend-ram,id=a,size=4M -object memory-backend-ram,id=b,size=4M"
    )
    #expect(machine.inventory.devices.map(\.name) == ["memdev=b", "memdev=a"])
    #expect(machine.inventory.objects.map(\.id) == ["a", "b"])
}

@Test(
    arguments: [
        ("512M", 512 << 20), ("512", 512 << 20), ("0", 128 << 20), ("1.5G", 3 << 29), ("size=1G", 1 << 30),
        ("100k", 106496),
        ("512M,maxmem=4G", 512 << 20), ("512M,slots=2,maxmem=4G", 512 << 20), ("slots=2,maxmem=4G", 128 << 20),
        ("", 128 << 20),
    ] as [(String, UInt64)])
func memorySizes(text: String, bytes: UInt64) throws {
    #expect(try configuration(["-kernel", "k", "-m", text]).0.memory.bytes == bytes)
}

@Test func laterMemoryOptionsChangeWhatTheyName() throws {
    let machine = try configuration("-m 512M -m maxmem=4G,slots=2 -m 1G")
    #expect(machine.memory.bytes == 1 << 30 && machine.memory.slots == 2 && machine.memory.maximumBytes == 4 << 30)
}

@Test(
    arguments: [
        ("2", [2, 1, 1, 2, 1]), ("cpus=2", [2, 1, 1, 2, 1]), ("2,cores=2", [2, 1, 1, 2, 1]),
        ("2,dies=2", [2, 1, 2, 1, 1]),
        ("sockets=2,cores=2,threads=2", [8, 2, 1, 2, 2]), ("4,sockets=1,cores=2", [4, 1, 1, 2, 2]),
        ("4,cores=2", [4, 2, 1, 2, 1]), ("2,maxcpus=2", [2, 1, 1, 2, 1]), ("maxcpus=2", [2, 1, 1, 2, 1]),
        ("255", [255, 1, 1, 255, 1]), ("", [1, 1, 1, 1, 1]), ("threads=2", [2, 1, 1, 1, 2]),
    ] as [(String, [UInt64])])
func topologies(text: String, expected: [UInt64]) throws {
    let topology = try configuration(["-kernel", "k", "-smp", text]).0.processors
    #expect([topology.processors, topology.sockets, topology.dies, topology.cores, topology.threads] == expected)
}

@Test(
    arguments: [
        ("-serial stdio", .standardInputOutput), ("-serial mon:stdio", .standardInputOutput), ("-serial null", .null),
        ("-serial none", nil), ("-serial file:a:b,c", .file(path: "a:b,c")),
        ("-serial unix:s", .unixSocket(path: "s", .client)),
        ("-serial unix:s,server=on,wait=off", .unixSocket(path: "s", .server(waits: false))),
        ("-serial unix:s,server,nowait", .unixSocket(path: "s", .server(waits: false))),
        ("-serial unix:s,,t,server=on", .unixSocket(path: "s,t", .server(waits: true))),
        ("", .standardInputOutput), ("-display none", nil), ("-display none -nographic", .standardInputOutput),
    ] as [(String, SerialTarget?)])
func serialTargets(line: String, target: SerialTarget?) throws {
    #expect(try configuration(line).serial == target)
}

@Test(arguments: [
    ("", false), ("-nographic", true), ("-nographic -serial stdio", true), ("-serial mon:stdio", true),
    ("-serial mon:stdio -monitor none", true), ("-nographic -monitor none", false), ("-serial stdio", false),
    ("-nographic -serial null", false), ("-display none", false),
    ("-nographic -monitor unix:m,server=on,wait=off", false),
])
func terminalIsSharedWithTheMonitor(line: String, isShared: Bool) throws {
    #expect(try configuration(line).serialSharesTerminalWithMonitor == isShared)
}

@Test func monitorTargets() throws {
    let machine = try configuration(
        "-monitor unix:m,server=on,wait=off -qmp tcp:localhost:4444,server=on -qmp unix:a,,b -monitor tcp:[::1]:1,server,nowait"
            + " -qmp tcp::0,server=on,wait=off,nodelay=on -monitor stdio -qmp none")
    #expect(
        machine.monitors == [
            .unixSocket(path: "m", .server(waits: false)), .tcpSocket(host: "::1", port: 1, .server(waits: false)),
            .standardInputOutput,
        ])
    #expect(
        machine.qmps == [
            .tcpSocket(host: "localhost", port: 4444, .server(waits: true)), .unixSocket(path: "a,b", .client),
            .tcpSocket(host: "", port: 0, .server(waits: false)),
        ])
    // The serial port has no terminal left.
    #expect(machine.serial == .null)
}

@Test func optionsWithoutEffectAreAccepted() throws {
    let plain = try configuration("")
    let machine = try configuration(
        "-nodefaults -no-user-config -vga none -net none -nic none -monitor none -qmp none -parallel none -enable-kvm "
            + "-accel kvm -cpu host -cpu max -machine needletail,accel=kvm,usb=off -M accel=kvm:tcg")
    #expect("\(machine)" == "\(plain)")
}

@Test func everyRemainingOptionArrives() throws {
    let (machine, _) = try configuration([
        "--kernel", "k", "-append", "-S", "-name", "guest=box,debug-threads=on", "-pidfile", "-", "--no-reboot", "-S",
        "-x-needletail-log-level", "debug",
    ])
    #expect(machine.kernelCommandLine == "-S" && machine.name == "box" && machine.pidFilePath == "-")
    #expect(machine.endsOnReboot && machine.startsPaused && machine.logLevel == .debug)
}

@Test(arguments: ["--", "-=x", "-m", "--help", "=", ""])
func aValueMayLookLikeAnything(value: String) throws {
    #expect(try configuration(["-kernel", "k", "-append", value]).0.kernelCommandLine == value)
}

@Test(arguments: [
    "-help", "--help", "-h", "-object help", "-device help", "-device virtio-pmem-pci,help",
    "-object memory-backend-file,help", "-cpu help", "-accel help", "-machine help", "-M ?",
])
func helpAnswers(line: String) throws {
    guard case .help(let text) = try parseCommandLine(line.split(separator: " ").map(String.init)) else {
        Issue.record("no help")
        return
    }
    #expect(text.hasSuffix("\n"))
}

@Test func helpNamesEveryOption() {
    for name in OptionName.allCases { #expect(helpText.contains("-\(name.rawValue)"), "\(name.rawValue)") }
    #expect(helpText.split(separator: "\n").allSatisfy { $0.utf8.count <= 120 })
}

@Test(arguments: ["-version", "--version"])
func versionAnswers(option: String) throws {
    guard case .version(let text) = try parseCommandLine([option]) else {
        Issue.record("no version")
        return
    }
    #expect(text == "Needletail version \(needletailVersion)\n")
}

@Test func everyErrorTextFitsOneMessage() {
    for row in refusedLines {
        let text = commandLineError(row.arguments)?.text() ?? ""
        #expect(!text.hasSuffix("\n") && !text.hasSuffix(": "))
    }
}
