import Foundation
import TestSupport
import Testing

/// Descriptors by hand for the entropy device: `B` stands for a buffer in the guest's RAM.
struct BufferCase: Sendable, CustomTestStringConvertible {
    let name: String
    let commands: String

    var testDescription: String { name }
}

@Suite("virtio-rng, from the bare guest", .enabled(if: Needletail.hasKVM, "\(Needletail.noKVM)"))
struct RandomTests {
    /// In the scratch memory of the guest's first device.
    private static let buffer = "0x218000"
    /// One buffer of 64 bytes, filled and shown; `desc` and `avail` are the queue's.
    private static let take = "desc 0 \(buffer) 64 2 0;avail 0;kick;used 1;dump \(buffer) 64"

    /// A source whose bytes are known: 1 to 251, again and again.
    private static func pattern(_ count: Int) -> Data { Data((0..<count).map { UInt8($0 % 251 + 1) }) }

    private static func hexadecimal(_ bytes: Data) -> String {
        bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }

    private func machine(_ device: String = "", source byteCount: Int? = nil) throws -> Machine {
        var machine = try Machine()
        machine.options = ["-object", "rng-builtin,id=r"]
        if let byteCount {
            let path = machine.folder.file("source")
            try Self.pattern(byteCount).write(to: URL(filePath: path))
            machine.options = ["-object", "rng-random,id=r,filename=\(path)"]
        }
        machine.options += ["-device", "virtio-rng-pci,rng=r,id=rng0\(device)"]
        return machine
    }

    @Test("bytes of the file, in its order") func bytesOfTheFile() throws {
        let transcript = try machine(source: 4096).run("scan;init;\(Self.take);\(Self.take)")
        #expect(transcript.isGood, "\(transcript)")
        #expect(transcript.items(of: "scan").first?["device"] == "4")
        #expect(transcript.items(of: "used").map { $0["length"] } == ["64", "64"], "\(transcript)")
        let expected = Self.pattern(128)
        #expect(
            transcript.replies(to: "dump").map { $0["bytes"] }
                == [Self.hexadecimal(expected.prefix(64)), Self.hexadecimal(expected.suffix(64))])
    }

    @Test("bytes of the kernel, with and without an object", arguments: ["-device virtio-rng-pci", nil])
    func bytesOfTheKernel(_ device: String?) throws {
        var machine = try machine()
        if let device { machine.options = device.split(separator: " ").map(String.init) }
        let transcript = try machine.run("scan;init;fill \(Self.buffer) 64 0;\(Self.take);init event=1;\(Self.take)")
        #expect(transcript.isGood, "\(transcript)")
        let dumps = Set(transcript.replies(to: "dump").compactMap { $0["bytes"] })
        #expect(dumps.count == 2 && !dumps.contains(String(repeating: "0", count: 128)), "\(transcript)")
    }

    @Test("a buffer in pieces, and two devices on one object") func piecesAndASharedSource() throws {
        var machine = try machine(source: 4096)
        machine.options += ["-device", "virtio-rng-pci,rng=r"]
        let transcript = try machine.run(
            "scan;init;desc 0 \(Self.buffer) 3 3 1;desc 1 0x218010 5 2 0;avail 0;kick;used 1;dump \(Self.buffer) 3;dump 0x218010 5;"
                + "use 1;init;desc 0 0x238000 8 2 0;avail 0;kick;used 1;dump 0x238000 8")
        #expect(transcript.isGood, "\(transcript)")
        #expect(transcript.replies(to: "dump").map { $0["bytes"] } == ["010203", "0405060708", "090a0b0c0d0e0f10"])
    }

    /// 16 bytes in 10 s: the first 16 come at once, the next do not within the second that the guest waits.
    @Test("max-bytes and period hold the guest back") func theLimit() throws {
        let transcript = try machine(",max-bytes=16,period=10000", source: 4096).run(
            "scan;init;desc 0 \(Self.buffer) 16 2 0;avail 0;kick;used 1;timeout 1000;\(Self.take);timeout 30000;reset;status"
        )
        #expect(transcript.items(of: "used").map { $0["length"] } == ["16"], "\(transcript)")
        #expect(
            transcript.end == .exited(0) && transcript.replies(to: "status").last?["value"] == "0x00", "\(transcript)")
    }

    /// A source at its end is told once; the guest's reset takes the buffers back.
    @Test("a source that ends") func aSourceThatEnds() throws {
        let transcript = try machine(source: 10).run(
            "scan;init;desc 0 \(Self.buffer) 10 2 0;avail 0;kick;used 1;timeout 500;\(Self.take);reset;status")
        #expect(transcript.items(of: "used").map { $0["length"] } == ["10"], "\(transcript)")
        #expect(transcript.end == .exited(0), "\(transcript)")
        #expect(
            transcript.errors.components(separatedBy: "rng0: object 'r' has no more bytes").count == 2, "\(transcript)")
    }

    static let buffers = [
        BufferCase(name: "only to read", commands: "desc 0 B 64 0 0;avail 0"),
        BufferCase(name: "to read, then to write", commands: "desc 0 B 64 1 1;desc 1 B 64 2 0;avail 0"),
        BufferCase(name: "to write, then to read", commands: "desc 0 B 64 3 1;desc 1 B 64 0 0;avail 0"),
        BufferCase(name: "a loop", commands: "desc 0 B 64 3 1;desc 1 B 64 3 0;avail 0"),
        BufferCase(name: "a loop of one", commands: "desc 0 B 64 3 0;avail 0"),
        BufferCase(name: "next beyond the table", commands: "desc 0 B 64 3 0xffff;avail 0"),
        BufferCase(name: "head beyond the table", commands: "avail 0xffff"),
        BufferCase(name: "length 0", commands: "desc 0 B 0 2 0;avail 0"),
        BufferCase(name: "length of 4 GiB", commands: "desc 0 B 0xffffffff 2 0;avail 0"),
        BufferCase(name: "nowhere", commands: "desc 0 0xffffffffffffffff 64 2 0;avail 0"),
        BufferCase(name: "in a BAR", commands: "desc 0 0xc0000000 64 2 0;avail 0"),
        BufferCase(name: "across the end of RAM", commands: "desc 0 0x1fffff0 64 2 0;avail 0"),
        BufferCase(name: "indirect without the feature", commands: "desc 0 B 32 4 0;avail 0"),
        BufferCase(name: "every flag", commands: "desc 0 B 64 0xffff 1;desc 1 B 64 0xffff 0;avail 0"),
        BufferCase(name: "the index jumps", commands: "desc 0 B 64 2 0;avail 0;publish 0x8000"),
        BufferCase(name: "the index goes back", commands: "publish 0xffff"),
        BufferCase(name: "the doorbell of another queue", commands: "kick 77"),
    ]

    @Test(arguments: buffers) func malformedBuffer(_ test: BufferCase) throws {
        let commands = test.commands.replacingOccurrences(of: " B ", with: " \(Self.buffer) ")
        let transcript = try machine(source: 1 << 20).run(
            "scan;init;timeout 50;\(commands);kick;used 1;status;timeout 4000;reset;init;\(Self.take)")
        #expect(transcript.end == .exited(0), "\(transcript)")
        // It serves again, at once or after the reset.
        #expect(transcript.items(of: "used").last?["length"] == "64", "\(transcript)")
        #expect(transcript.replies(to: "dump").last?["bytes"]?.contains("00") == false, "\(transcript)")
    }

    @Test("after a reboot it starts over") func reboot() throws {
        let process = try machine(source: 4096).start(input: .pipe)
        process.send("scan;init;\(Self.take);reboot\n")
        #expect(
            eventually { process.output.components(separatedBy: "bare: ready").count == 3 },
            "\(process.output)\(process.errors)")
        process.send("scan;register common 0x14 1;init;\(Self.take);power-off\n")
        #expect(process.wait() == .exited(0))
        let transcript = Transcript(process.output)
        #expect(transcript.replies(to: "register").first?["value"] == "0x00", "\(transcript)")
        #expect(transcript.items(of: "used").map { $0["length"] } == ["64", "64"], "\(transcript)")
    }
}

/// Plugged and unplugged while the guest runs, and what the monitors tell of it.
@Suite("virtio-rng, plugged", .serialized, .enabled(if: Needletail.hasKVM, "\(Needletail.noKVM)"))
struct RandomPlugTests {
    private let done = "{\"return\": {}}"

    @Test func pluggedUsedAndUnplugged() throws {
        let folder = try WorkFolder()
        let process = try Machine.start(
            object: "share=on,mem-path=\(folder.file("disk.img")),size=4M",
            arguments: OperatorLine.options(in: folder))
        let monitor = try OperatorLine(in: folder)
        try process.waitForLine("bare: ready")
        #expect(try process.ask("scan").contains("count=1"))
        for cycle in 1...3 {
            #expect(
                try monitor.ask(
                    #"{"execute":"object-add","arguments":{"qom-type":"rng-random","id":"r","filename":"/dev/zero"}}"#)
                    == done)
            #expect(
                try monitor.ask(
                    #"{"execute":"device_add","arguments":{"driver":"virtio-rng-pci","id":"rng0","rng":"r","addr":"06","max-bytes":4096,"period":1000}}"#
                ) == done)
            try checkAnswers(monitor)
            #expect(try process.ask("peek 0xfeb01000 4").contains("value=0x00000040"))
            #expect(try process.ask("scan").hasPrefix("ok scan"))
            #expect(try process.ask("use 1") == "ok use index=1")
            #expect(try process.ask("init").hasPrefix("ok init device=4"))
            try process.ask("fill 0x238000 64 0x55")
            for command in ["desc 0 0x238000 64 2 0", "avail 0", "kick"] {
                #expect(try process.ask(command).hasPrefix("ok"))
            }
            #expect(try process.ask("used 1").contains("count=1"))
            #expect(try process.ask("dump 0x238000 64").contains("bytes=\(String(repeating: "0", count: 128))"))
            // An object is refused to go while a device uses it.
            #expect(
                try monitor.ask(#"{"execute":"object-del","arguments":{"id":"r"}}"#)
                    .contains("object 'r' is in use"))
            #expect(try monitor.ask(#"{"execute":"device_del","arguments":{"id":"rng0"}}"#) == done)
            #expect(try process.ask("peek 0xfeb01004 4").contains("value=0x00000040"))
            #expect(try process.ask("poke 0xfeb01008 4 0x40") == "ok poke")
            try monitor.waitForEvent("DEVICE_DELETED", count: cycle)
            #expect(try monitor.ask(#"{"execute":"object-del","arguments":{"id":"r"}}"#) == done)
            // The guest's driver forgets what is gone, too.
            #expect(try process.ask("scan").hasPrefix("ok scan"))
        }
        #expect(try process.ask("use 0") == "ok use index=0")
        #expect(try process.ask("init").hasPrefix("ok init device=27"))
        #expect(try process.ask("flush 3").contains("ret=0"))
    }

    private func checkAnswers(_ monitor: OperatorLine) throws {
        func human(_ line: String) throws -> String {
            try monitor.ask(#"{"execute":"human-monitor-command","arguments":{"command-line":"\#(line)"}}"#)
        }
        let tree = try human("info qtree")
        for part in [
            #"dev: virtio-rng-pci, id \"rng0\""#, "addr = 06.0", "max-bytes = 4096 (0x1000)", "period = 1000 (0x3e8)",
            #"rng = \"/objects/r\""#,
        ] { #expect(tree.contains(part), "\(tree)") }
        #expect(try human("info pci").contains("PCI device 1af4:1044"))
        #expect(try monitor.ask(#"{"execute":"query-pci"}"#).contains("\"qdev_id\": \"rng0\""))
        // What is no memory is not among memories.
        for command in ["query-memdev", "query-memory-devices", "x-needletail-query-pmem"] {
            #expect(try !monitor.ask(#"{"execute":"\#(command)"}"#).contains("\"rng0\""))
        }
        #expect(
            try monitor.ask(#"{"execute":"x-needletail-clear-failure","arguments":{"id":"rng0"}}"#)
                .contains("'rng0' stores nothing for the guest, so it has no flushes"))
        #expect(
            try monitor.ask(#"{"execute":"device-list-properties","arguments":{"typename":"virtio-rng-pci"}}"#)
                .contains("\"max-bytes\""))
    }
}
