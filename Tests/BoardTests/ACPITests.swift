import Foundation
import GuestMemory
import PCI
import Testing

@testable import Board

/// One set of tables to check.
struct BoardCase: Sendable, CustomTestStringConvertible {
    let name: String
    let configuration: ACPIConfiguration
    var testDescription: String { name }

    init(
        _ name: String, ram: UInt64 = 512 * mebibyte, bits: Int = 40, processors: UInt32 = 2,
        hotPlug: ACPIConfiguration.HotPlug? = .init()
    ) {
        self.name = name
        let board = try! BoardLayout(ramByteCount: ram, physicalAddressBits: bits)
        configuration = ACPIConfiguration(board: board, apicIdentifiers: Array(0..<processors), hotPlug: hotPlug)
    }

    static let all = [
        BoardCase("two processors"), BoardCase("one processor, no hot-plug", processors: 1, hotPlug: nil),
        BoardCase("no 64-bit window", ram: 63 * gibibyte, bits: 36), BoardCase("300 processors", processors: 300),
        BoardCase("52 bits, few slots", bits: 52, hotPlug: .init(slots: 3...5)),
    ]
}

@Suite struct ACPITests {
    /// The names in the AML follow one another by four bytes, as the registers do.
    @Test func slotRegistersAreInOrder() {
        #expect(PCISlots.registers.map(\.0.rawValue) == Array(stride(from: 0, to: HotPlugSlots.byteCount, by: 4)))
    }

    @Test(arguments: BoardCase.all)
    func checksumsAndLengths(_ row: BoardCase) throws {
        let tables = try ACPITables(row.configuration).tables
        #expect(tables.map(\.name) == ["RSDP", "DSDT", "FACP", "APIC", "MCFG", "XSDT"])
        for table in tables {
            #expect(table.bytes.reduce(0, &+) == 0, "\(table.name)")
            if table.name != "RSDP" {
                #expect(table.bytes.get(UInt32.self, at: 4) == UInt32(table.bytes.count))
                #expect(Array(table.bytes.prefix(4)) == Array(table.name.utf8))
            }
        }
        #expect(tables[0].bytes.prefix(20).reduce(0, &+) == 0)
        for (one, next) in zip(tables, tables.dropFirst()) {
            #expect(one.address.rawValue + UInt64(one.bytes.count) <= next.address.rawValue)
        }
    }

    /// Finds the tables as a guest does that knows nothing: scan, then follow the addresses.
    @Test func guestFindsEverything() throws {
        let configuration = BoardCase.all[0].configuration
        let memory = try MemoryMap.ram(configuration.board)
        let tables = try ACPITables(configuration)
        try tables.write(to: memory)
        let found = try stride(from: UInt64(0xE0000), to: 0x100000, by: 16).first {
            try memory.bytes(at: GuestAddress($0), count: 8) == Array("RSD PTR ".utf8)
        }
        #expect(found == tables.rsdp.rawValue)
        let xsdt = GuestAddress(try memory.load(UInt64.self, at: GuestAddress(tables.rsdp.rawValue + 24)))
        let byteCount = try memory.load(UInt32.self, at: GuestAddress(xsdt.rawValue + 4))
        let list = try memory.bytes(at: xsdt, count: Int(byteCount))
        let addresses = stride(from: 36, to: list.count, by: 8).map { GuestAddress(list.get(UInt64.self, at: $0)) }
        let names = try addresses.map { String(decoding: try memory.bytes(at: $0, count: 4), as: UTF8.self) }
        #expect(names == ["FACP", "APIC", "MCFG"])
        let dsdt = GuestAddress(try memory.load(UInt64.self, at: GuestAddress(addresses[0].rawValue + 140)))
        #expect(try memory.bytes(at: dsdt, count: 4) == Array("DSDT".utf8))
    }

    @Test func fixedTableIsHardwareReduced() throws {
        let table = FADT.table(dsdt: GuestAddress(0x1234)).bytes
        #expect(table.count == 276)
        #expect(table.get(UInt32.self, at: 112) & (1 << 20 | 1 << 10) == 1 << 20 | 1 << 10)
        #expect(table.get(UInt16.self, at: 109) & 0b11 == 0, "neither old devices nor a keyboard controller")
        #expect(table.get(UInt64.self, at: 120) == 0x602 && table[128] == PowerRegisters.resetValue)
        #expect(table.get(UInt64.self, at: 248) == 0x600 && table.get(UInt64.self, at: 260) == 0x601)
    }

    @Test func largeAPICIdentifiersGetX2APICEntries() {
        let table = MADT.table(apicIdentifiers: [0, 254, 255, 1000]).bytes
        let kinds = [(44, 0), (52, 0), (60, 9), (76, 9)] as [(Int, UInt8)]
        for (offset, kind) in kinds { #expect(table[offset] == kind) }
        #expect(table.get(UInt32.self, at: 64) == 255 && table.get(UInt32.self, at: 80) == 1000)
    }

    @Test func tooManyProcessorsAreRefused() {
        #expect(throws: BootError.self) { try ACPITables(BoardCase("", processors: 9000).configuration) }
    }
}

/// What ACPI's reference implementation makes of the tables.
@Suite struct ACPIReferenceTests {
    private static func hasTool(_ name: String) -> Bool {
        let found = FileManager.default.isExecutableFile(atPath: "/usr/bin/\(name)")
        if !found { print("skipped: \(name) is not installed (apt-get install acpica-tools)") }
        return found
    }

    private func run(_ tool: String, _ arguments: [String], in folder: URL) throws -> (status: Int32, output: String) {
        let (process, pipe) = (Process(), Pipe())
        process.executableURL = URL(fileURLWithPath: "/usr/bin/timeout")
        process.arguments = ["60", tool] + arguments
        process.currentDirectoryURL = folder
        process.standardOutput = pipe
        process.standardError = pipe
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: output, as: UTF8.self))
    }

    private func withFolder(_ body: (URL) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("acpi-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try body(folder)
    }

    @Test(.enabled(if: hasTool("iasl")), arguments: BoardCase.all)
    func disassemblesAndCompilesAgain(_ row: BoardCase) throws {
        try withFolder { folder in
            for table in try ACPITables(row.configuration).tables where !["RSDP", "XSDT"].contains(table.name) {
                let file = folder.appendingPathComponent("\(table.name).aml")
                try Data(table.bytes).write(to: file)
                let taken = try run("iasl", ["-d", file.lastPathComponent], in: folder)
                #expect(taken.status == 0, "\(table.name): \(taken.output)")
                #expect(!taken.output.localizedCaseInsensitiveContains("warning"), "\(taken.output)")
                #expect(!taken.output.localizedCaseInsensitiveContains("error"), "\(taken.output)")
                let again = try run("iasl", ["-vw", "2173", "-p", "again", "\(table.name).dsl"], in: folder)
                #expect(
                    again.output.contains(" 0 Errors, 0 Warnings") || again.output.contains("Table Input"),
                    "\(table.name): \(again.output)")
                #expect(again.status == 0, "\(table.name): \(again.output)")
            }
        }
    }

    /// Runs methods of the DSDT in the reference interpreter. Its registers are plain memory, so what a method stores
    /// can be read back. `prepare` is ASL that runs first, in a table of its own.
    private func execute(_ commands: [String], prepare: String = "") throws -> String {
        var output = ""
        try withFolder { folder in
            let tables = try ACPITables(BoardCase.all[0].configuration).tables
            for table in tables where table.name == "DSDT" {
                try Data(table.bytes).write(to: folder.appendingPathComponent("dsdt.aml"))
            }
            let source = """
                DefinitionBlock ("", "SSDT", 2, "TEST", "TEST", 1) {
                    External (\\_SB.GED.EVST, FieldUnitObj)
                    External (\\_SB.PCI0.SLUP, FieldUnitObj)
                    External (\\_SB.PCI0.SLDN, FieldUnitObj)
                    External (\\_SB.PCI0.SLPR, FieldUnitObj)
                    External (\\_SB.GED._EVT, MethodObj)
                    Method (\\PREP) { \(prepare) }
                }
                """
            try Data(source.utf8).write(to: folder.appendingPathComponent("prepare.asl"))
            let compiled = try run("iasl", ["prepare.asl"], in: folder)
            #expect(compiled.status == 0, "\(compiled.output)")
            let commands = (["execute \\PREP"] + commands).joined(separator: ";")
            output = try run("acpiexec", ["-b", commands, "dsdt.aml", "prepare.aml"], in: folder).output
        }
        return output
    }

    @Test(.enabled(if: hasTool("acpiexec")))
    func eventsReachTheirDevices() throws {
        let prepare = #"""
            \_SB.GED.EVST = 3
            \_SB.PCI0.SLUP = 0x80000008
            \_SB.PCI0.SLDN = 0x10
            \_SB.GED._EVT (17)
            """#
        let output = try execute([], prepare: prepare)
        for (device, value) in [("PWRB", "80"), ("S03_", "01"), ("S1F_", "01"), ("S04_", "03")] {
            let expected = output.split(separator: "\n").contains {
                $0.contains("[\(device)]") && $0.contains("Value 0x\(value)")
            }
            #expect(expected, "\(device) \(value): \(output)")
        }
        #expect(output.components(separatedBy: "Notify on").count == 5, "\(output)")
    }

    @Test(
        .enabled(if: hasTool("acpiexec")),
        arguments: [
            (#"\_SB.PCI0.S03._EJ0 1;execute \_SB.PCI0.SLEJ"#, "[Integer] = 0000000000000008"),
            (#"\_SB.PCI0.S1F._OST 0x103 0x84 (00);execute \_SB.PCI0.SLOC"#, "[Integer] = 00000000F9030084"),
            (#"\_SB.PCI0.S02._STA"#, "[Integer] = 000000000000000F"),
            (#"\_SB.PCI0.S03._STA"#, "[Integer] = 0000000000000000"),
            (
                #"\_SB.PCI0._OSC (5B 4D DB 33 F7 1F 1C 40 96 57 74 41 C0 3D D7 66) 1 3 (00 00 00 00 1F 00 00 00 1F 00 00 00)"#,
                "10 00 00 00 1F 00 00 00 10 00 00 00"
            ),
            (
                #"\_SB.PCI0._OSC (00 4D DB 33 F7 1F 1C 40 96 57 74 41 C0 3D D7 66) 1 3 (00 00 00 00 1F 00 00 00 1F 00 00 00)"#,
                "04 00 00 00 1F 00 00 00 1F 00 00 00"
            ),
        ])
    func methodsAnswer(_ command: String, _ answer: String) throws {
        let output = try execute(["execute " + command], prepare: #"\_SB.PCI0.SLPR = 4"#)
        #expect(output.contains(answer), "\(output)")
    }
}
