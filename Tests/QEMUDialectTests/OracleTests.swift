import Foundation
import Testing

@testable import QEMUDialect

/// Lines that both we and an installed QEMU refuse: the messages must be the same.
///
/// What QEMU puts before its message (the option, at times nothing) is left out, and so is what we add after ours.
private let oracle = "/usr/bin/qemu-system-x86_64"
private let hasOracle = FileManager.default.isExecutableFile(atPath: oracle)

private let pair = ["-m", "256M,slots=2,maxmem=4G", "-object", "memory-backend-ram,id=m,size=4M"]

private let lines: [[String]] =
    [
        "memory-backend-file,id=m,mem-path=a", "memory-backend-file,id=m,mem-path=a,size=0",
        "memory-backend-file,id=m,mem-path=a,size=64X", "memory-backend-file,id=m,mem-path=a,size=-1",
        "memory-backend-file,id=m,mem-path=a,size=", "memory-backend-file,id=m,mem-path=a,size=16E",
        "memory-backend-file,id=m,mem-path=a,size=1e6", "memory-backend-file,id=m,mem-path=a,size=1.5",
        "memory-backend-file,id=m,mem-path=a,size=.5M", "memory-backend-file,mem-path=a,size=4M",
        "memory-backend-file,id=1nv,mem-path=a,size=4M", "memory-backend-file,id=,mem-path=a,size=4M",
        "memory-backend-file,id=m,,size=4M,mem-path=a", "memory-backend-file,id=m,size=4M",
        "memory-backend-file,id=m,mem-path=a,size=4M,foo=1", "memory-backend-file,id=m,mem-path=a,size=4M,=3",
        "memory-backend-file,id=m,mem-path=a,size=4M,share=1", "memory-backend-file,id=m,mem-path=a,size=4M,share=",
        "memory-backend-file,id=m,mem-path=a,size=4M,policy=foo", "memory-backend-ram,id=m,size=4M,mem-path=a",
        "memory-backend-ram,id=m,size=4M,prealloc-threads=x", "memory-backend-ram,id=m,size=4M,prealloc-threads=0",
        "memory-backend-ram,size=x,id=m,share=x", "memory-backend-ram,id=m,share,noprealloc", "foo,id=m", "id=m", "",
        ",id=m",
        "memory-backend-file", "rng-random", "rng-random,id=1", "rng-random,id=r,foo=1", "rng-builtin,id=r,filename=x",
    ].map { ["-object", $0] }
    + [
        "virtio-pmem-pci,id=a", "virtio-pmem-pci,memdev=x,id=a", "virtio-pmem-pci,memdev=m,id=1a",
        "virtio-pmem-pci,memdev=m,foo=3", "virtio-pmem-pci,memdev=m,foo", "foo", "", "memdev=m", "virtio-pmem,memdev=m",
        "virtio-pmem-pci,memdev=m,addr=5.9", "virtio-pmem-pci,memdev=m,addr=20", "virtio-pmem-pci,memdev=m,addr=zz",
        "virtio-pmem-pci,memdev=m,addr=5.0.1", "virtio-pmem-pci,memdev=m,bus=nope",
        "virtio-pmem-pci,memdev=m,memaddr=5G",
        "virtio-pmem-pci,memdev=m,packed=maybe", "virtio-pmem-pci,memdev=m,disable-legacy=foo",
        "virtio-pmem-pci,memdev=m,memdev=x", "virtio-pmem-pci,memdev=", "virtio-pmem-pci,memdev=m,rombar=x",
        "virtio-pmem-pci,memdev=m,rombar=-1", "virtio-pmem-pci,memdev=r", "virtio-rng-pci,foo=1",
        "virtio-rng-pci,rng=nope", "virtio-rng-pci,rng=m", "virtio-rng-pci,id=1", "virtio-rng-pci,max-bytes=x",
        "virtio-rng-pci,max-bytes=-1", "virtio-rng-pci,max-bytes=9223372036854775808",
        "virtio-rng-pci,max-bytes=18446744073709551616", "virtio-rng-pci,max-bytes=1K", "virtio-rng-pci,max-bytes=-",
        "virtio-rng-pci,period=0", "virtio-rng-pci,period=-1",
        "virtio-rng-pci,period=x", "virtio-rng-pci,period=4294967296", "virtio-rng-pci,bus=nope",
        "virtio-rng-pci,addr=40", "virtio-rng-pci,packed=maybe", "virtio-rng,foo=1", "virtio-rng-device",
    ].map { pair + ["-object", "rng-builtin,id=r", "-device", $0] }
    + [
        pair + ["-object", "memory-backend-ram,id=m,size=4M"],
        pair + ["-device", "virtio-pmem-pci,memdev=m,id=a", "-device", "virtio-pmem-pci,memdev=m,id=b"],
        pair + ["-device", "virtio-pmem-pci,memdev=m,id=a", "-device", "virtio-pmem-pci,memdev=m,id=a"],
        ["-device", "virtio-rng-pci,id=a", "-device", "virtio-rng-pci,id=a"],
        ["-object", "rng-builtin,id=r", "-object", "rng-random,id=r"],
    ]
    + [
        "512X", "-1", "512Mb", "size=", ",slots=2", "99999999999G", "512M,foo=3", "512M,slots=x,maxmem=4G",
        "512M,slots=2",
        "512M,slots=2,maxmem=256M", "512M,maxmem=512M,slots=1", "512M,slots=300,maxmem=4G",
    ].map { ["-m", $0] }
    + ["x", "1.5", "2K", "2,foo=1", "2,bar", "2,cores=3"].map { ["-smp", $0] }
    + [
        ["-foo"], ["--foo"], ["-"], ["--"], ["-name", "a,bar=1"], ["-serial", "foo"], ["-serial", "stdio,foo=1"],
        ["-serial", "unix:x,foo=1"], ["-serial", "unix:x,server=on,wait=maybe"], ["-machine", "foo"],
        ["-accel", "foo"],
        ["-machine", "needletail,bar"], ["-append", "x"], ["-initrd", "x"],
    ]

/// Lines for which nothing but the option itself may be given to QEMU.
private let alone: Set<String> = ["-accel", "-machine"]

@Test(.enabled(if: hasOracle, "no \(oracle) here: messages are not compared"), arguments: lines)
func messagesAreQEMUs(line: [String]) throws {
    let theirs = try messagesOfQEMU(line)
    let kernel = line.contains("-append") || line.contains("-initrd") ? [] : ["-kernel", "k"]
    let error = try #require(commandLineError(kernel + line))
    let message = String(try #require(error.reason.message.split(separator: "\n").first))
    #expect(theirs.contains { $0 == message || $0.hasSuffix(": \(message)") }, "\(message) / \(theirs)")
}

@Test(.enabled(if: hasOracle, "no \(oracle) here: messages are not compared"))
func identifierHintIsQEMUs() throws {
    let line = ["-object", "memory-backend-ram,id=1nv,size=4M"]
    let advice = try #require(commandLineError(line)?.reason.advice)
    #expect(try messagesOfQEMU(line).contains(advice))
}

@Test(.enabled(if: hasOracle, "no \(oracle) here: messages are not compared"))
func shortFormWarningIsQEMUs() throws {
    let line = ["-object", "memory-backend-ram,id=m,size=4M,share", "-device", "foo"]
    let (_, warnings) = try configuration(["-kernel", "k"] + line.dropLast(2))
    let theirs = try messagesOfQEMU(line)
    for warning in warnings.flatMap({ $0.split(separator: "\n") }) {
        #expect(theirs.contains { $0.hasSuffix(String(warning)) }, "\(warning)")
    }
    #expect(warnings.count == 1)
}

/// The lines that QEMU writes to standard error for `line`. It ends by itself, or is ended after ten seconds.
private func messagesOfQEMU(_ line: [String]) throws -> [String] {
    var options = ["--kill-after=2", "10", oracle, "-display", "none", "-S", "-monitor", "none"]
    if !line.contains(where: { alone.contains($0) }) { options += ["-accel", "tcg"] }
    if !line.contains("-serial") { options += ["-serial", "none"] }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/timeout")
    process.arguments = options + line
    process.currentDirectoryURL = FileManager.default.temporaryDirectory
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    let pipe = Pipe()
    process.standardError = pipe
    try process.run()
    let data = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return String(decoding: data, as: UTF8.self).split(separator: "\n").map(String.init)
}
