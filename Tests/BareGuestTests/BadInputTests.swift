import Foundation
import Glibc
import Testing

/// Options that cannot work, and what the message must hold.
struct BadOptions: Sendable, CustomTestStringConvertible {
    /// FOLDER stands for the test's folder, in which `good` is a file of 16 MiB and `fifo` one of that kind.
    let options: [String]
    let message: [String]

    init(_ options: String, _ message: String...) {
        self.options = options.split(separator: " ").map(String.init)
        self.message = message
    }

    var testDescription: String { options.joined(separator: " ") }
}

@Suite("Bad input", .enabled(if: Needletail.hasKVM, "\(Needletail.noKVM)"))
struct BadInputTests {
    private static let file = "-object memory-backend-file,id=m,share=on,mem-path=FOLDER/good,size=16M "
    private static let device = file + "-device virtio-pmem-pci,memdev=m"

    static let boot = [
        BadOptions("-kernel FOLDER/missing", "-kernel FOLDER/missing", "No such file"),
        BadOptions("-kernel FOLDER", "FOLDER", "directory"),
        BadOptions("-kernel FOLDER/empty", "-kernel FOLDER/empty", "empty"),
        BadOptions("-kernel FOLDER/text", "-kernel FOLDER/text", "not a kernel"),
        BadOptions("-kernel FOLDER/cut-elf", "-kernel FOLDER/cut-elf", "cut short"),
        BadOptions("-kernel FOLDER/cut-header", "-kernel FOLDER/cut-header"),
        BadOptions("-kernel FOLDER/cut-bzimage", "-kernel FOLDER/cut-bzimage"),
        BadOptions("-kernel FOLDER/fifo", "FOLDER/fifo"),
        BadOptions("-initrd FOLDER/missing", "-initrd FOLDER/missing", "No such file"),
        BadOptions("-initrd FOLDER", "FOLDER", "directory"),
        BadOptions("-initrd FOLDER/empty", "-initrd FOLDER/empty", "empty"),
        BadOptions("-initrd FOLDER/huge", "-initrd FOLDER/huge", "34359738368", "-m"),
        BadOptions("-m 1M", "-m", "2M"),
        BadOptions("-m 8388608T", "-m"),
        // Megabytes, as in QEMU: more than the processor can address, or than KVM takes in one piece.
        BadOptions("-m 0x4000000", "-m: ", "70368744177664 bytes of RAM", "give less"),
    ]

    static let objects = [
        BadOptions("-device foo", "-device foo", "not a valid device model", "virtio-pmem-pci"),
        BadOptions("-device nvdimm,memdev=m", "nvdimm is not supported", "virtio-pmem-pci"),
        BadOptions("-device virtio-pmem-pci", "'memdev' property must be set"),
        BadOptions("-device virtio-pmem-pci,memdev=none", "none", "not found"),
        BadOptions(device + " -device virtio-pmem-pci,memdev=m", "memdev=m"),
        BadOptions(device + ",memaddr=0x1000000", "memdev=m", "0x1000000", "overlaps RAM"),
        BadOptions(device + ",memaddr=0xc0000000", "0xc0000000", "PCI"),
        BadOptions(device + ",memaddr=0xfee00000", "0xfee00000"),
        BadOptions(device + ",memaddr=0x40100000", "0x40100000", "multiple of 0x200000"),
        BadOptions(device + ",memaddr=0xffffffffffe00000", "end of the address space"),
        BadOptions(
            "-object memory-backend-file,id=m,share=on,mem-path=/dev/null,size=16M", "/dev/null", "character device"),
        BadOptions("-object memory-backend-file,id=m,share=on,mem-path=FOLDER/fifo,size=16M", "FOLDER/fifo", "FIFO"),
        BadOptions(
            "-object memory-backend-file,id=m,share=on,mem-path=FOLDER/no/x,size=16M", "FOLDER/no/x", "No such file"),
        BadOptions("-object memory-backend-file,id=m,share=on,mem-path=FOLDER/good,size=32M", "does not match 'size'"),
        BadOptions("-object memory-backend-file,id=m,share=on,mem-path=FOLDER/good", "size", "missing"),
        BadOptions("-pidfile FOLDER/no/pid", "FOLDER/no/pid", "No such file"),
        BadOptions("-netdev user", "-netdev"),
        BadOptions("-serial file:FOLDER/no/x", "-serial file:FOLDER/no/x", "No such file"),
        BadOptions("-serial unix:FOLDER/no/x", "-serial unix:FOLDER/no/x", "No such file"),
        BadOptions(
            "-serial unix:FOLDER/no/x,server=on,wait=off", "-serial unix:FOLDER/no/x,server=on,wait=off", "No such file"
        ),
        BadOptions(device + ",x-shmem=on,memaddr=0x40000000", "x-shmem=on", "memaddr"),
        BadOptions(file + "-device virtio-pmem-pci,memdev=m,x-shmem=1", "'x-shmem' expects 'on' or 'off'"),
    ]

    @Test(arguments: boot + objects) func refused(_ test: BadOptions) throws {
        let machine = try Machine()
        let folder = machine.folder
        try prepare(folder)
        let before = folder.names
        let replaced = test.options.map { $0.replacingOccurrences(of: "FOLDER", with: folder.path) }
        let process = try HostProcess(machine.arguments("power-off") + replaced, in: folder)
        #expect(process.wait() == .exited(1), "\(process.output)")
        for part in test.message {
            let wanted = part.replacingOccurrences(of: "FOLDER", with: folder.path)
            #expect(process.errors.contains(wanted), "\(process.errors)")
        }
        #expect(process.output == "", "no guest has run")
        #expect(folder.names.filter { !$0.hasPrefix("out.") && !$0.hasPrefix("err.") } == before, "nothing was made")
        let content = try folder.bytes(of: "good", at: 0, count: 1 << 20)
        #expect(content.count == 1 << 20 && content.allSatisfy { $0 == 0x6b }, "the file is as it was")
    }

    /// Block devices need no driver behind them: looking at the node is enough.
    @Test("a block device", .enabled(if: geteuid() == 0, "not root")) func blockDevice() throws {
        let machine = try Machine()
        let node = machine.folder.file("disk")
        #expect(Needletail.succeeds(["mknod", node, "b", "259", "4095"]))
        let process = try HostProcess(
            machine.arguments("power-off")
                + ["-object", "memory-backend-file,id=m,share=on,mem-path=\(node),size=16M"], in: machine.folder)
        #expect(process.wait() == .exited(1))
        for part in [node, "block device", "not supported"] {
            #expect(process.errors.contains(part), "\(process.errors)")
        }
    }

    private func prepare(_ folder: WorkFolder) throws {
        _ = try folder.write([UInt8](repeating: 0x6b, count: 16 << 20), to: "good")
        _ = try folder.write([], to: "empty")
        _ = try folder.write(Array("#!/bin/sh\n".utf8) + [UInt8](repeating: 32, count: 4096), to: "text")
        let kernel = [UInt8](try Data(contentsOf: URL(filePath: Needletail.bareGuest)))
        _ = try folder.write(Array(kernel[..<4096]), to: "cut-elf")
        _ = try folder.write(Array(kernel[..<20]), to: "cut-header")
        _ = try folder.write(Self.bzImageHeader, to: "cut-bzimage")
        _ = try folder.makeSparse("huge", byteCount: 32 << 30)
        _ = unsafe mkfifo(folder.file("fifo"), 0o600)
    }

    /// The first sectors of a Linux kernel, without the kernel (Documentation/arch/x86/boot.rst).
    private static var bzImageHeader: [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 1024)
        bytes[0x1f1] = 4  // setup_sects
        bytes.replaceSubrange(0x1f4..<0x1f8, with: [0, 0, 16, 0])  // syssize, in units of 16 bytes
        bytes.replaceSubrange(0x1fe..<0x200, with: [0x55, 0xaa])
        bytes.replaceSubrange(0x202..<0x208, with: Array("HdrS".utf8) + [0x0f, 0x02])  // version 2.15
        bytes[0x211] = 1  // loaded high
        bytes.replaceSubrange(0x214..<0x218, with: [0, 0, 16, 0])  // code32_start: 1 MiB
        bytes[0x236] = 3  // has a 64-bit entry, may lie above 4 GiB
        return bytes
    }
}

@Suite("A host that lacks something", .enabled(if: Needletail.hasNamespaces, "\(Needletail.noNamespaces)"))
struct HostileHostTests {
    /// Runs the monitor after a shell script, in a mount namespace of its own.
    private func run(_ machine: Machine, after script: String, _ commands: String = "power-off") throws -> HostProcess {
        try HostProcess(
            ["unshare", "-m", "sh", "-ec", script + "\nexec \"$@\"", "sh"] + machine.arguments(commands),
            in: machine.folder)
    }

    @Test("no /dev/kvm") func noDevice() throws {
        let machine = try Machine.withDevice()
        let process = try run(
            machine, after: "mkdir -p '\(machine.folder.path)/dev'; mount --bind '\(machine.folder.path)/dev' /dev")
        #expect(process.wait() == .exited(1))
        for part in ["/dev/kvm", "modprobe"] { #expect(process.errors.contains(part), "\(process.errors)") }
        #expect(!machine.folder.exists("pmem.img"))
    }

    /// Root without its capabilities is a user like any other, and can still read the program, wherever it lies.
    @Test("no permission to open /dev/kvm", .enabled(if: Needletail.hasKVM, "\(Needletail.noKVM)")) func noPermission()
        throws
    {
        let machine = try Machine.withDevice()
        let node = machine.folder.file("kvm")
        let script = """
            touch '\(node)'; mount -t tmpfs -o dev,mode=755 none '\(machine.folder.path)'
            mknod '\(node)' c 10 232; chown 65534 '\(node)'; chmod 600 '\(node)'; mount --bind '\(node)' /dev/kvm
            set -- setpriv --bounding-set=-all --inh-caps=-all "$@"
            """
        let process = try run(machine, after: script)
        #expect(process.wait() == .exited(1))
        for part in ["no permission to open /dev/kvm", "group"] {
            #expect(process.errors.contains(part), "\(process.errors)")
        }
    }

    @Test("a disk with too little space for prealloc=on", .enabled(if: Needletail.hasKVM, "\(Needletail.noKVM)"))
    func fullDiskAtStart() throws {
        var machine = try Machine()
        let disk = machine.folder.file("disk")
        machine.options = [
            "-object", "memory-backend-file,id=m,share=on,mem-path=\(disk)/p.img,size=64M,prealloc=on",
            "-device", "virtio-pmem-pci,memdev=m",
        ]
        let process = try run(machine, after: "mkdir '\(disk)'; mount -t tmpfs -o size=4m none '\(disk)'")
        #expect(process.wait() == .exited(1))
        for part in ["\(disk)/p.img", "space"] { #expect(process.errors.contains(part), "\(process.errors)") }
    }

    @Test("a disk that fills up while the guest writes", .enabled(if: Needletail.hasKVM, "\(Needletail.noKVM)"))
    func fullDiskLater() throws {
        var machine = try Machine()
        let disk = machine.folder.file("disk")
        machine.options = [
            "-object", "memory-backend-file,id=m,share=on,mem-path=\(disk)/p.img,size=64M",
            "-device", "virtio-pmem-pci,memdev=m,memaddr=0x40000000",
        ]
        let process = try run(
            machine, after: "mkdir '\(disk)'; mount -t tmpfs -o size=1m none '\(disk)'",
            "scan;init;touch 0x40000000 4M;echo survived;power-off")
        #expect(process.wait() == .exited(1))
        #expect(!process.output.contains("survived"))
        for part in ["disk full", "vCPU 0 registers"] { #expect(process.errors.contains(part), "\(process.errors)") }
    }
}

@Suite("Files that others use", .enabled(if: Needletail.hasKVM, "\(Needletail.noKVM)"))
struct SharedFileTests {
    @Test(
        "a file that is truncated ends the monitor with the file's name",
        arguments: ["peek 0x40800000", "poke 0x40800000 4 1"])
    func shrunkFile(_ access: String) throws {
        let machine = try Machine.withDevice()
        let process = try machine.start("scan;init;write 0x40000000 kept;echo there", input: .pipe)
        #expect(process.hasSaid("ok echo there"))
        let path = try machine.folder.makeSparse("pmem.img", byteCount: 1 << 20)
        process.send("\(access)\necho survived\n")
        #expect(process.wait() == .exited(1))
        for part in [path, "1048576", "shorter"] { #expect(process.errors.contains(part), "\(process.errors)") }
        #expect(!process.output.contains("survived"))
        #expect(try machine.folder.text(of: "pmem.img", at: 0, count: 4) == "kept")
    }

    @Test("a device whose rings lie in a file that was made shorter does not take the monitor down with SIGBUS")
    func shrunkUnderDevice() throws {
        let machine = try Machine.withDevice()
        let process = try machine.start(
            "scan;init desc=0x40800000 avail=0x40900000 used=0x40a00000;flush;echo there", input: .pipe)
        #expect(process.hasSaid("ok echo there"))
        let path = try machine.folder.makeSparse("pmem.img", byteCount: 1 << 20)
        // The doorbell alone, without touching the ring from the guest.
        process.send("register-write notify 0 2 0\ndelay 20\n")
        #expect(process.wait() == .exited(1), "\(process.output)\(process.errors)")
        for part in [path, "shorter"] { #expect(process.errors.contains(part), "\(process.errors)") }
    }

    @Test("two monitors do not share a file") func lockedFile() throws {
        let machine = try Machine.withDevice()
        let first = try machine.start("echo there", input: .pipe)
        #expect(first.hasSaid("ok echo there"))
        let second = try machine.start("power-off")
        #expect(second.wait() == .exited(1))
        for part in ["pmem.img", "\(first.identifier)"] { #expect(second.errors.contains(part), "\(second.errors)") }
        first.send("power-off\n")
        #expect(first.wait() == .exited(0))
        #expect(try machine.start("power-off").wait() == .exited(0), "it is free again")
    }
}
