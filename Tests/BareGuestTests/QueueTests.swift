import Foundation
import Testing

/// How `share` is written, and whether that draws a warning.
struct ShareCase: Sendable {
    let spelling: String
    let warns: Bool
}

/// How the driver sets its queue up, and how many requests it has outstanding at most.
struct QueueCase: Sendable {
    let options: String
    let outstanding: Int
}

@Suite("The queue, from the bare guest", .enabled(if: Needletail.hasKVM, "\(Needletail.noKVM)"))
struct QueueTests {
    @Test(
        "the documented line",
        arguments: [
            ShareCase(spelling: "share", warns: true), ShareCase(spelling: "share=on", warns: false),
        ])
    func documentedLine(_ test: ShareCase) throws {
        var machine = try Machine()
        machine.options = [
            "-object", "memory-backend-file,id=mem1,\(test.spelling),mem-path=\(machine.folder.file("p.img")),size=4G",
            "-device", "virtio-pmem-pci,memdev=mem1,id=nv1",
        ]
        let transcript = try machine.run("scan;init;config;flush")
        #expect(transcript.isGood, "\(transcript)")
        #expect(transcript.errors.contains("share=on") == test.warns, "\(transcript)")
        let config = try #require(transcript.replies(to: "config").first)
        #expect(config["start"] == "0x100000000", "above RAM, on a GiB")
        #expect(config["size"] == "0x100000000")
        #expect(transcript.replies(to: "flush").first?["ret"] == "0")
    }

    @Test("the address that memaddr asks for") func chosenAddress() throws {
        let transcript = try Machine.withDevice().run("scan;init;config;write 0x40000000 there;flush")
        #expect(transcript.isGood, "\(transcript)")
        #expect(transcript.replies(to: "config").first?["start"] == "0x40000000")
    }

    @Test(
        "as many outstanding as the queue holds, in every form of the ring",
        arguments: [
            QueueCase(options: "size=2", outstanding: 1), QueueCase(options: "size=4", outstanding: 2),
            QueueCase(options: "size=8", outstanding: 4), QueueCase(options: "size=16", outstanding: 8),
            QueueCase(options: "size=32", outstanding: 16), QueueCase(options: "size=64", outstanding: 32),
            QueueCase(options: "size=128", outstanding: 64), QueueCase(options: "", outstanding: 64),
            QueueCase(options: "indirect=1 size=2", outstanding: 2),
            QueueCase(options: "indirect=1 size=64", outstanding: 64),
            QueueCase(options: "event=1", outstanding: 64), QueueCase(options: "event=1 size=4", outstanding: 2),
            QueueCase(options: "event=1 indirect=1 size=64", outstanding: 64),
            QueueCase(options: "msix=0", outstanding: 4), QueueCase(options: "suppress=1", outstanding: 4),
            QueueCase(options: "wait=interrupt", outstanding: 4), QueueCase(options: "wait=halt", outstanding: 4),
        ])
    func outstanding(_ test: QueueCase) throws {
        let (half, full) = (max(test.outstanding / 2, 1), test.outstanding)
        let transcript = try Machine.withDevice().run(
            "scan;init \(test.options);flush 1;flush \(half) kicks=each;flush \(full);flush \(full)")
        #expect(transcript.isGood, "\(transcript)")
        let flushes = transcript.replies(to: "flush")
        #expect(flushes.map { $0["done"] } == ["1", "\(half)", "\(full)", "\(full)"])
        #expect(flushes.allSatisfy { $0["ret"] == "0" && $0["used"] == "4" }, "\(transcript)")
    }

    @Test("a queue that is larger than the device's, or no power of two, is refused", arguments: [256, 100, 3])
    func queueSizes(_ size: Int) throws {
        let transcript = try Machine.withDevice().run("scan;init size=\(size);init;flush")
        #expect(transcript.replies(to: "init").first?.kind == .error, "\(transcript)")
        #expect(transcript.replies(to: "flush").first?["ret"] == "0", "\(transcript)")
    }

    @Test("an interrupt for each, one for many, none where the driver wants none") func interrupts() throws {
        let transcript = try Machine.withDevice().run(
            "scan;init;interrupts clear;flush-each 5;interrupts;init suppress=1;interrupts clear;flush 4;interrupts;"
                + "init event=1;interrupts clear;flush 8;interrupts")
        #expect(transcript.isGood, "\(transcript)")
        let counts = transcript.replies(to: "interrupts").compactMap { $0["total"] }
        // Every second one was `clear`.
        try #require(counts.count == 6)
        #expect(counts[1] == "5")
        #expect(counts[3] == "0")
        let many = try #require(Int(counts[5]))
        #expect((1...8).contains(many), "\(transcript)")
    }

    @Test("a request of a type that does not exist fails, and the device serves the next") func unknownType() throws {
        let transcript = try Machine.withDevice().run("scan;init;flush type=7;flush;flush 4 type=0xffffffff;flush 4")
        #expect(transcript.isGood, "\(transcript)")
        let results = transcript.replies(to: "flush").map { $0["ret"] }
        #expect([results[1], results[3]] == ["0", "0"])
        #expect(results[0] != "0" && results[2] != "0" && results[0] != "untouched", "\(transcript)")
    }

    @Test("a guest that was given a private mapping is told that nothing is durable") func privateMapping() throws {
        var machine = try Machine()
        let file = try machine.folder.makeSparse("p.img", byteCount: 16 << 20)
        machine.options = [
            "-object", "memory-backend-file,id=m,share=off,mem-path=\(file),size=16M",
            "-device", "virtio-pmem-pci,memdev=m,memaddr=0x40000000",
        ]
        let transcript = try machine.run("scan;init;write 0x40000000 lost;flush")
        #expect(transcript.replies(to: "flush").first?["ret"] != "0", "\(transcript)")
        #expect(transcript.errors.contains("share=on"), "\(transcript)")
        #expect(try machine.folder.bytes(of: "p.img", at: 0, count: 4) == [0, 0, 0, 0])
    }
}

/// How the monitor comes to its end.
struct DurabilityCase: Sendable {
    /// nil: the guest powers off.
    let signal: Int32?
    let flushes: Bool
    let end: ProcessEnd
}

@Suite("What is in the file afterwards", .enabled(if: Needletail.hasKVM, "\(Needletail.noKVM)"))
struct DurabilityTests {
    @Test(arguments: [
        DurabilityCase(signal: nil, flushes: false, end: .exited(0)),
        DurabilityCase(signal: nil, flushes: true, end: .exited(0)),
        DurabilityCase(signal: SIGTERM, flushes: false, end: .exited(128 + SIGTERM)),
        DurabilityCase(signal: SIGINT, flushes: false, end: .exited(128 + SIGINT)),
        DurabilityCase(signal: SIGHUP, flushes: false, end: .exited(128 + SIGHUP)),
        DurabilityCase(signal: SIGKILL, flushes: true, end: .killed(by: SIGKILL)),
    ])
    func whatTheGuestWrote(_ test: DurabilityCase) throws {
        let machine = try Machine.withDevice()
        let flush = test.flushes ? "flush;" : ""
        let process = try machine.start(
            "scan;init;write 0x40000000 at the start;write 0x40fffff8 at end;poke 0x40123456 4 0x11223344;\(flush)echo done;"
                + (test.signal == nil ? "power-off" : "halt"))
        #expect(process.hasSaid("ok echo done"), "\(process.output)\(process.errors)")
        if let signal = test.signal { process.signal(signal) }
        #expect(process.wait() == test.end, "\(process.errors)")
        #expect(try machine.folder.text(of: "pmem.img", at: 0, count: 12) == "at the start")
        #expect(try machine.folder.text(of: "pmem.img", at: (16 << 20) - 8, count: 6) == "at end")
        #expect(try machine.folder.bytes(of: "pmem.img", at: 0x12_3456, count: 4) == [0x44, 0x33, 0x22, 0x11])
    }

    @Test("a second machine sees what the first one wrote") func secondBoot() throws {
        let machine = try Machine.withDevice()
        #expect(try machine.run("scan;init;write 0x40000000 kept;flush").isGood)
        let transcript = try machine.run("dump 0x40000000 4")
        #expect(transcript.replies(to: "dump").first?["bytes"] == "6b657074", "\(transcript)")
    }
}
