import Foundation
import SeededRandom
import Testing

/// Descriptors by hand: `R` stands for a request of type 0, `A` for its answer, in the guest's RAM.
struct ChainCase: Sendable, CustomTestStringConvertible {
    let name: String
    let commands: String
    /// Whether the device may answer with an element in the used ring; otherwise it may also ask for a reset.
    var isUsed = true

    var testDescription: String { name }
}

@Suite("A hostile guest", .enabled(if: Needletail.hasKVM, "\(Needletail.noKVM)"))
struct HostileGuestTests {
    /// The bare guest's scratch memory.
    private static let request = "0x218000"
    private static let answer = "0x218100"

    static let chains = [
        ChainCase(name: "as it should be", commands: "desc 0 R 4 1 1;desc 1 A 4 2 0;avail 0"),
        ChainCase(name: "a loop", commands: "desc 0 R 4 1 1;desc 1 A 4 3 0;avail 0"),
        ChainCase(name: "a loop of one", commands: "desc 0 R 4 1 0;avail 0"),
        ChainCase(name: "next beyond the table", commands: "desc 0 R 4 1 0xffff;avail 0"),
        ChainCase(name: "head beyond the table", commands: "avail 0xffff"),
        ChainCase(name: "nothing but a request", commands: "desc 0 R 4 0 0;avail 0"),
        ChainCase(name: "nothing but an answer", commands: "desc 0 A 4 2 0;avail 0"),
        ChainCase(name: "answer first", commands: "desc 0 A 4 3 1;desc 1 R 4 0 0;avail 0"),
        ChainCase(name: "short request", commands: "desc 0 R 3 1 1;desc 1 A 4 2 0;avail 0"),
        ChainCase(name: "short answer", commands: "desc 0 R 4 1 1;desc 1 A 3 2 0;avail 0"),
        ChainCase(name: "long request and answer", commands: "desc 0 R 4096 1 1;desc 1 A 4096 2 0;avail 0"),
        ChainCase(name: "length 0", commands: "desc 0 R 0 1 1;desc 1 A 0 2 0;avail 0"),
        ChainCase(name: "length of 4 GiB", commands: "desc 0 R 0xffffffff 1 1;desc 1 A 0xffffffff 2 0;avail 0"),
        ChainCase(name: "request nowhere", commands: "desc 0 0xfffffffffffffffe 4 1 1;desc 1 A 4 2 0;avail 0"),
        ChainCase(name: "answer nowhere", commands: "desc 0 R 4 1 1;desc 1 0xffffffffffffffff 4 2 0;avail 0"),
        ChainCase(name: "answer in a BAR", commands: "desc 0 R 4 1 1;desc 1 0xc0000000 4 2 0;avail 0"),
        ChainCase(name: "across the end of RAM", commands: "desc 0 0x1fffffe 4 1 1;desc 1 A 4 2 0;avail 0"),
        ChainCase(name: "every flag", commands: "desc 0 R 4 0xffff 1;desc 1 A 4 0xffff 0;avail 0"),
        ChainCase(name: "indirect without the feature", commands: "desc 0 R 32 4 0;avail 0"),
        ChainCase(
            name: "the index jumps", commands: "desc 0 R 4 1 1;desc 1 A 4 2 0;avail 0;publish 0x8000", isUsed: false),
        ChainCase(name: "the index goes back", commands: "publish 0xffff", isUsed: false),
        ChainCase(name: "a doorbell for nothing", commands: "kick 0", isUsed: false),
        ChainCase(name: "the doorbell of another queue", commands: "kick 77", isUsed: false),
    ]

    private func commands(_ test: ChainCase) -> String {
        test.commands.replacingOccurrences(of: " R ", with: " \(Self.request) ")
            .replacingOccurrences(of: " A ", with: " \(Self.answer) ")
    }

    @Test(arguments: chains) func malformedChain(_ test: ChainCase) throws {
        // Ends with the device serving again, at once or after a reset. Only where no answer is expected the wait for
        // one is short.
        let transcript = try Machine.withDevice().run(
            "scan;init;timeout \(test.isUsed ? 2000 : 50);poke \(Self.request) 4 0;poke \(Self.answer) 4 7;\(commands(test));kick;used 1;status;"
                + "peek \(Self.answer);timeout 4000;reset;init;flush 4;init event=1 indirect=1;flush 8")
        #expect(transcript.end == .exited(0), "\(transcript)")
        #expect(transcript.replies(to: "flush").map { $0["ret"] } == ["0", "0"], "\(transcript)")
        let used = transcript.items(of: "used")
        let needsReset = transcript.replies(to: "status").first?["needs-reset"] == "yes"
        if test.isUsed { #expect(used.count == 1 || needsReset, "\(transcript)") }
        #expect(used.count <= 1, "\(transcript)")
        // A correct flush is the only way to the answer 0.
        let isSuccess = transcript.replies(to: "peek").first?["value"] == "0x00000000"
        #expect(isSuccess == test.mayAnswerZero || !isSuccess, "\(transcript)")
    }

    @Test(
        "indirect tables that make no sense",
        arguments: [
            "desc 0 R 16 4 0;desc 0 R 15 0 0 table=R;avail 0",
            "desc 0 R 0 4 0;avail 0", "desc 0 R 0xfffffff0 4 0;avail 0",
            "desc 0 0xfffffffffffffff0 32 4 0;avail 0", "desc 0 R 32 5 1;avail 0",
            "desc 0 A 4 4 0 table=R;desc 0 R 32 4 0;avail 0",
        ])
    func indirectTables(_ commands: String) throws {
        let laid = commands.replacingOccurrences(of: " R", with: " \(Self.request)")
            .replacingOccurrences(of: "=R", with: "=\(Self.request)").replacingOccurrences(
                of: " A", with: " \(Self.answer)")
        let transcript = try Machine.withDevice().run(
            "scan;init indirect=1;timeout 50;\(laid);kick;used 1;reset;init indirect=1;flush 4")
        #expect(transcript.end == .exited(0) && transcript.replies(to: "flush").last?["ret"] == "0", "\(transcript)")
    }

    @Test("rings where no memory is", arguments: ["desc", "avail", "used"])
    func ringsNowhere(_ part: String) throws {
        for address in ["0xffffffffffff0000", "0xc0000000", "0x1fff000"] {
            // Registers by hand, since `init` writes into the ring itself.
            let offset = ["desc": 0x20, "avail": 0x28, "used": 0x30][part] ?? 0
            let transcript = try Machine.withDevice().run(
                "scan;init;reset;status 1;status 3;register-write common 0x0c 4 1;register-write common 0x08 4 1;"
                    + "register-write common 0x0c 4 1;status 11;"
                    + "register-write common 0x20 8 0x200000;register-write common 0x28 8 0x210000;register-write common 0x30 8 0x214000;"
                    + "register-write common \(offset) 8 \(address);register-write common 0x1c 2 1;status 15;"
                    + "register-write notify 0 2 0;delay 5;reset;init;flush")
            #expect(
                transcript.end == .exited(0) && transcript.replies(to: "flush").last?["ret"] == "0", "\(transcript)")
        }
    }

    @Test("a ring in the device's own memory") func ringInDeviceMemory() throws {
        let machine = try Machine.withDevice()
        let transcript = try machine.run(
            "scan;init desc=0x40000000 avail=0x40100000 used=0x40200000;flush;flush 64;"
                + "init event=1 indirect=1 size=32 desc=0x40000000 avail=0x40100000 used=0x40200000;flush 32 kicks=each"
        )
        #expect(transcript.isGood, "\(transcript)")
        #expect(transcript.replies(to: "flush").map { $0["done"] } == ["1", "64", "32"], "\(transcript)")
        #expect(
            try machine.folder.bytes(of: "pmem.img", at: 0x20_0002, count: 2) != [0, 0], "the used index is in the file"
        )
    }

    @Test("random stores into every register of the device", arguments: Seeds.usually(1...4))
    func randomRegisters(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var lines = ["scan", "init", "timeout 50"]
        for _ in 0..<400 {
            let region = ["common", "common", "notify", "isr", "device"].randomElement(using: &random) ?? "common"
            let width = [1, 2, 4, 8].randomElement(using: &random) ?? 4
            let offset = Int.random(in: 0..<0x48, using: &random) / width * width
            lines.append("register-write \(region) \(offset) \(width) \(random.nextInteresting())")
            if Int.random(in: 0..<8, using: &random) == 0 { lines.append("register \(region) \(offset) \(width)") }
        }
        try check(lines)
    }

    @Test("random stores into configuration space", arguments: Seeds.usually(11...14))
    func randomConfiguration(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var lines = ["scan", "init", "timeout 50", "config"]
        for _ in 0..<400 {
            let width = [1, 2, 4].randomElement(using: &random) ?? 4
            let offset = Int.random(in: 0..<0x100, using: &random) / width * width
            let function = Int.random(in: 0..<8, using: &random) == 0 ? "00:00.0" : "00:01.0"
            lines.append("pci-write \(function) \(offset) \(width) \(random.nextInteresting() & 0xffff_ffff)")
        }
        // BARs and commands are anywhere now: only power-on brings them back.
        try check(lines, restart: "reboot")
    }

    @Test("random accesses to ports and to addresses that the board uses", arguments: Seeds.usually(21...22))
    func randomBoard(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var lines = ["scan", "init", "timeout 50"]
        let ranges: [ClosedRange<UInt64>] = [
            0xe000_0000...0xe010_0000, 0xfeb0_0000...0xfeb0_2000, 0xc000_0000...0xc000_8000, 0xd000_0000...0xd000_1000,
        ]
        for _ in 0..<200 {
            let width = [1, 2, 4].randomElement(using: &random) ?? 4
            let range = ranges.randomElement(using: &random) ?? ranges[0]
            let address = UInt64.random(in: range, using: &random)
            // The event registers end or restart the machine, too, as they should; those are left out.
            lines.append("peek \(address) \(width)")
            if !(0xfeb0_0000...0xfeb0_2000).contains(address) {
                lines.append("poke \(address) \(width) \(random.nextInteresting() & 0xff)")
            }
            lines.append("in \(UInt64.random(in: 0..<0x1000, using: &random)) \(width)")
        }
        try check(lines, restart: "reboot")
    }

    /// Runs the lines, starts over in some way, and sees the device work.
    private func check(_ lines: [String], restart: String? = nil) throws {
        let machine = try Machine.withDevice()
        let process = try machine.start(input: .pipe)
        process.send(lines.joined(separator: "\n") + "\n\necho survived\n")
        #expect(process.hasSaid("ok echo survived", seconds: 60), "\(process.output.suffix(400))\(process.errors)")
        if let restart {
            process.send("\(restart)\n")
            #expect(
                eventually { process.output.components(separatedBy: "bare: ready").count == 3 }, "\(process.errors)")
            process.send("scan\n")
        }
        process.send("timeout 4000\ninit\nflush 4\npower-off\n")
        #expect(process.wait() == .exited(0), "\(process.errors)")
        let transcript = Transcript(process.output, errors: process.errors)
        #expect(
            transcript.replies(to: "flush").last?["ret"] == "0", "\(transcript.text.suffix(600))\(transcript.errors)")
        #expect(transcript.errors.split(separator: "\n").count < 40, "a guest does not fill the log")
    }
}

extension ChainCase {
    /// Whether what the guest laid is a correct flush, perhaps with more in it than needed.
    fileprivate var mayAnswerZero: Bool {
        ["as it should be", "long request and answer", "across the end of RAM", "the index jumps"].contains(name)
    }
}

extension SeededGenerator {
    /// A number that is often one of those that something hinges on.
    mutating func nextInteresting() -> UInt64 {
        let edges: [UInt64] = [0, 1, 2, 4, 0x0f, 0x7f, 0x80, 0xff, 0x100, 0x8000, 0xffff, 0x20_0000, 0xffff_ffff, .max]
        return Bool.random(using: &self) ? edges.randomElement(using: &self) ?? 0 : next()
    }
}
