import Foundation
import SeededRandom
import Testing

/// Where a guest puts the BAR, by name.
struct BARPlace: Sendable, CustomTestStringConvertible {
    let name: String
    let address: UInt64
    var testDescription: String { name }
}

/// `x-shmem=on`: the memory is a BAR. The 32-bit guest puts it below 4 GiB, in the 32-bit window.
@Suite("Memory that is a BAR", .enabled(if: Needletail.hasKVM, "\(Needletail.noKVM)"))
struct SharedMemoryTests {
    private static let place = "0xd8000000"
    /// The feature bits 0 and 32.
    private static let accept = "init features=0x100000001"
    private static let size = "0x1000000"

    private func machine(_ count: Int = 1, size: String = "16M", more: String = "") throws -> Machine {
        var machine = try Machine()
        for number in 1...count { machine.addDevice("pmem\(number).img", size: size, more: ",x-shmem=on\(more)") }
        return machine
    }

    @Test("the driver finds the range through the capability, and start and size are 0") func negotiated() throws {
        let machine = try machine()
        let transcript = try machine.run(
            "scan;features;\(Self.accept);regions;config;pci-assign 00:01.0 4 \(Self.place);write \(Self.place) stored;flush;"
                + "config;dump \(Self.place) 6;pci")
        #expect(transcript.isGood, "\(transcript)")
        #expect(transcript.replies(to: "features").first?["offered"]?.hasSuffix("1") == true, "\(transcript)")
        let regions = try #require(transcript.replies(to: "regions").first)
        #expect(regions["shared-id"] == "0" && regions["shared-bar"] == "4" && regions["shared-offset"] == "0x0")
        #expect(regions["shared-length"] == Self.size)
        #expect(
            transcript.replies(to: "config").allSatisfy { $0["start"] == "0x0" && $0["size"] == "0x0" }, "\(transcript)"
        )
        #expect(
            transcript.replies(to: "pci-assign").first?["bar4"] == "memory64p:\(Self.place):\(Self.size)",
            "\(transcript)")
        #expect(try machine.folder.text(of: "pmem1.img", at: 0, count: 6) == "stored")
    }

    @Test("a driver that does not know the feature reads where the BAR is") func notNegotiated() throws {
        let transcript = try machine().run(
            "scan;init;config;pci-assign 00:01.0 4 \(Self.place);config;pci-assign 00:01.0 4 0xda000000;config;flush;"
                + "pci-assign 00:01.0 4 0x10000000;config")
        #expect(transcript.isGood, "\(transcript)")
        let configurations = transcript.replies(to: "config")
        // 40 bits, or what the host has: in any case above 4 GiB at first.
        #expect((configurations[0]["start"]?.count ?? 0) > "0xffffffff".count && configurations[0]["size"] == Self.size)
        #expect(configurations[1]["start"] == Self.place && configurations[2]["start"] == "0xda000000")
        #expect(
            configurations[3]["start"] == "0x0" && configurations[3]["size"] == "0x0", "nowhere: no window is there")
    }

    @Test("the memory follows the BAR: moved, switched off and on, behind its end") func follows() throws {
        let machine = try machine(size: "10M")
        let transcript = try machine.run(
            "scan;\(Self.accept);pci-assign 00:01.0 4 \(Self.place);write \(Self.place) one;"
                + "pci-assign 00:01.0 4 0xdb000000;dump 0xdb000000 3;peek \(Self.place);peek 0xdb9ffffc;peek 0xdba00000;"
                + "poke 0xdba00000 4 7;pci-write 00:01.0 4 2 4;peek 0xdb000000;pci-write 00:01.0 4 2 6;dump 0xdb000000 3;flush"
        )
        #expect(transcript.isGood, "\(transcript)")
        #expect(transcript.replies(to: "dump").map { $0["bytes"] } == ["6f6e65", "6f6e65"], "\(transcript)")
        #expect(
            transcript.replies(to: "peek").map { $0["value"] } == [
                "0xffffffff", "0x00000000", "0xffffffff", "0xffffffff",
            ],
            "\(transcript)")
        #expect(transcript.errors.isEmpty, "\(transcript)")
    }

    @Test(
        "where something else is it is not mapped",
        arguments: [
            BARPlace(name: "RAM, over the guest itself", address: 0), BARPlace(name: "RAM", address: 0x100_0000),
            BARPlace(name: "memory that the machine placed", address: 0x4000_0000),
            BARPlace(name: "the local APIC", address: 0xfe00_0000),
            BARPlace(name: "configuration space", address: 0xe000_0000),
            BARPlace(name: "KVM's pages", address: 0xff00_0000),
            BARPlace(name: "its own registers", address: 0xc000_0000),
            BARPlace(name: "the other device's BAR", address: 0xd800_0000),
            BARPlace(name: "beyond the address space", address: 0xffff_ffff_ff00_0000),
        ])
    func hostilePlaces(_ test: BARPlace) throws {
        var machine = try machine(2)
        machine.addDevice("fixed.img", size: "16M", address: Machine.memory, more: ",addr=3")
        let (low, high) = (test.address & 0xffff_ffff, test.address >> 32)
        let transcript = try machine.run(
            "scan;use 2;init;use 0;\(Self.accept);pci-assign 00:01.0 4 \(Self.place);write \(Self.place) first;use 1;\(Self.accept);"
                + "write \(Machine.memory) fixed;pci-write 00:02.0 0x24 4 \(high);pci-write 00:02.0 0x20 4 \(low);flush 4;"
                + "dump \(Self.place) 5;dump \(Machine.memory) 5;cpuid 0;delay 2;pci;use 0;flush 4;use 2;flush;"
                + "pci-assign 00:02.0 4 0xda000000;write 0xda000000 second;use 1;flush")
        #expect(transcript.isGood, "\(transcript)")
        #expect(transcript.replies(to: "dump").map { $0["bytes"] } == ["6669727374", "6669786564"], "\(transcript)")
        #expect(transcript.replies(to: "flush").allSatisfy { $0["ret"] == "0" }, "\(transcript)")
        #expect(try machine.folder.text(of: "pmem2.img", at: 0, count: 6) == "second")
        // Half-way, too, the BAR is where it cannot be; only the first such place is told of.
        let lines = transcript.errors.split(separator: "\n").filter { $0.contains("nv-pmem2") }
        #expect(lines.count == 1, "\(transcript.errors)")
    }

    @Test("moved while flushes are under way, and from below the rings") func movedDuringFlushes() throws {
        let machine = try machine()
        var commands = "scan;\(Self.accept);pci-assign 00:01.0 4 \(Self.place);write \(Self.place) kept"
        for round in 0..<20 {
            commands += ";submit 8 kicks=each;pci-assign 00:01.0 4 0xd\(round % 2 == 0 ? "a" : "8")000000;collect"
        }
        commands += ";dump \(Self.place) 4"
        // The rings lie in the memory itself, which goes: the device asks for a reset, or waits, and works afterwards.
        commands +=
            ";\(Self.accept) desc=0xd8100000 avail=0xd8200000 used=0xd8300000;flush;timeout 50;submit 8 kicks=each;"
        commands += "pci-assign 00:01.0 4 0xda000000;kick;delay 5;timeout 30000;\(Self.accept);flush 4"
        let transcript = try machine.run(commands, seconds: 60)
        #expect(transcript.isGood, "\(transcript)")
        #expect(transcript.replies(to: "collect").count == 20)
        #expect(transcript.replies(to: "collect").allSatisfy { $0["ret"] == "0" && $0["done"] == "8" }, "\(transcript)")
        #expect(transcript.replies(to: "dump").last?["bytes"] == "6b657074")
        #expect(transcript.replies(to: "flush").last?["ret"] == "0")
    }

    @Test("random addresses in the BARs of three devices", arguments: Seeds.usually(31...33))
    func random(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let machine = try machine(3)
        let process = try machine.start(input: .pipe)
        var lines = ["scan", "timeout 50"] + (0..<3).flatMap { ["use \($0)", Self.accept] }
        let bases: [UInt64] = [0xc000_0000, 0xd800_0000, 0xd900_0000, 0xff_ff00_0000, 0]
        for _ in 0..<300 {
            let function = "pci-write 00:0\(Int.random(in: 1...3, using: &random)).0"
            let base = bases.randomElement(using: &random) ?? 0
            let address = Bool.random(using: &random) ? base : base &+ random.nextInteresting() & 0xffff_f000
            lines.append("\(function) 0x20 4 \(address & 0xffff_ffff)")
            switch Int.random(in: 0..<8, using: &random) {
            case 0...2: lines.append("\(function) 0x24 4 \(address >> 32)")
            case 3: lines.append("\(function) 0x20 4 0xffffffff")
            case 4: lines.append("\(function) 4 2 \(Int.random(in: 0..<8, using: &random))")
            case 5: lines.append("peek \(bases.prefix(3).randomElement(using: &random) ?? 0)")
            default: break
            }
        }
        process.send(lines.joined(separator: "\n") + "\n\necho survived\nreboot\n")
        #expect(process.hasSaid("ok echo survived", seconds: 60), "\(process.output.suffix(400))\(process.errors)")
        #expect(eventually { process.output.components(separatedBy: "bare: ready").count == 3 }, "\(process.errors)")
        // After power-on everything is in its place again.
        process.send(
            "timeout 30000\nscan\n\(Self.accept)\npci-assign 00:01.0 4 \(Self.place)\nwrite \(Self.place) again\n")
        process.send("flush 4\npower-off\n")
        #expect(process.wait() == .exited(0), "\(process.errors)")
        let transcript = Transcript(process.output, errors: process.errors)
        #expect(
            transcript.replies(to: "flush").last?["ret"] == "0", "\(transcript.text.suffix(600))\(transcript.errors)")
        #expect(try machine.folder.text(of: "pmem1.img", at: 0, count: 5) == "again")
        #expect(transcript.errors.split(separator: "\n").count < 40, "a guest does not fill the log")
    }

    @Test("stores into read-only memory are dropped and told") func readOnly() throws {
        var machine = try Machine()
        let file = try machine.folder.write([UInt8](repeating: 0x11, count: 2 << 20), to: "rom.img")
        machine.options = [
            "-object", "memory-backend-file,id=m,share=on,readonly=on,mem-path=\(file),size=2M",
            "-device", "virtio-pmem-pci,memdev=m,id=nv1,x-shmem=on",
        ]
        let transcript = try machine.run(
            "scan;\(Self.accept);pci-assign 00:01.0 4 0xd8000000;poke 0xd8000000 1 5;pci-assign 00:01.0 4 0xda000000;"
                + "poke 0xda000000 1 5;dump 0xda000000 2")
        #expect(transcript.isGood && transcript.replies(to: "dump").first?["bytes"] == "1111", "\(transcript)")
        #expect(transcript.errors.contains("nv1: a store into read-only memory at 0xd8000000"), "\(transcript)")
    }

    @Test("plugged into the running machine, told of in the monitor, and given back") func hotPlug() throws {
        var machine = try Machine()
        let socket = machine.folder.file("qmp")
        machine.options = ["-qmp", "unix:\(socket),server=on,wait=off"]
        let process = try machine.start(input: .pipe)
        #expect(process.hasSaid("bare: ready"))
        let line = try OperatorLine(socket)
        let path = machine.folder.file("new.img")
        for round in 1...2 {
            #expect(
                try line.ask(
                    #"{"execute":"object-add","arguments":{"qom-type":"memory-backend-file","id":"m","share":true,"mem-path":"\#(path)","size":16777216}}"#
                ).hasPrefix("{\"return\""))
            #expect(
                try line.ask(
                    #"{"execute":"device_add","arguments":{"driver":"virtio-pmem-pci","id":"nv1","memdev":"m","x-shmem":true}}"#
                ).hasPrefix("{\"return\""))
            #expect(try line.ask(#"{"execute":"x-needletail-query-pmem"}"#).contains(#""shmem": true"#))
            process.send(
                "scan\n\(Self.accept)\npci-assign 00:01.0 4 \(Self.place)\nwrite \(Self.place) round\(round)\n")
            process.send("flush\necho done\(round)\n")
            #expect(process.hasSaid("ok echo done\(round)"), "\(process.output)\(process.errors)")
            #expect(try line.ask(#"{"execute":"query-memory-devices"}"#).contains("\"memaddr\": \(0xd800_0000)"))
            #expect(
                try line.ask(#"{"execute":"query-pci"}"#).contains(
                    "\"prefetch\": true, \"mem_type_64\": true, \"bar\": 4, \"size\": 16777216, \"address\": \(0xd800_0000)"
                ))
            #expect(try machine.folder.text(of: "new.img", at: 0, count: 6) == "round\(round)")
            _ = try line.ask(#"{"execute":"device_del","arguments":{"id":"nv1"}}"#)
            // The slot's bit into the eject register, as the ACPI code does.
            process.send("poke 0xfeb01008 4 2\n")
            try line.waitForEvent("DEVICE_DELETED", count: round)
            // The guest forgets where the registers were when it does not find the device.
            process.send("scan\npeek \(Self.place)\necho gone\(round)\n")
            #expect(process.hasSaid("ok echo gone\(round)"))
            #expect(try line.ask(#"{"execute":"object-del","arguments":{"id":"m"}}"#).hasPrefix("{\"return\""))
        }
        process.send("power-off\n")
        #expect(process.wait() == .exited(0), "\(process.errors)")
        let transcript = Transcript(process.output, errors: process.errors)
        #expect(transcript.replies(to: "peek").map { $0["value"] } == ["0xffffffff", "0xffffffff"], "\(transcript)")
        #expect(transcript.replies(to: "flush").map { $0["ret"] } == ["0", "0"], "\(transcript)")
    }

    @Test("a reboot begins with the BAR where it was at first") func reboot() throws {
        let machine = try machine()
        let process = try machine.start(input: .pipe)
        let assign = "scan\n\(Self.accept)\npci-assign 00:01.0 4 \(Self.place)\n"
        process.send("\(assign)write \(Self.place) before\nflush\nreboot\n")
        #expect(eventually { process.output.components(separatedBy: "bare: ready").count == 3 }, "\(process.errors)")
        process.send("peek \(Self.place)\n\(assign)dump \(Self.place) 6\nflush\npower-off\n")
        #expect(process.wait() == .exited(0))
        let transcript = Transcript(process.output, errors: process.errors)
        #expect(transcript.replies(to: "peek").first?["value"] == "0xffffffff", "\(transcript)")
        #expect(transcript.replies(to: "dump").first?["bytes"] == "6265666f7265", "\(transcript)")
    }

    @Test("a BAR that no window can hold is refused before the file is made") func tooLarge() throws {
        let machine = try machine(size: "9000G")
        let process = try machine.start("power-off")
        #expect(process.wait() == .exited(1))
        #expect(process.errors.contains("BAR 4") && process.errors.contains("x-shmem"), "\(process.errors)")
        #expect(!machine.folder.exists("pmem1.img"))
    }
}
