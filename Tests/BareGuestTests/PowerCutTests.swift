import Foundation
import Glibc
import TestDisks
import Testing

/// `durability=power-cut-test`: a guest's stores, its flushes, and what is in the file after the power was cut.
@Suite("Power cuts tried out", .enabled(if: Needletail.hasKVM, "\(Needletail.noKVM)"))
struct PowerCutTests {
    private static let page = 4096
    private static let megabytes = 2

    /// A machine whose driver runs, and a monitor's line to it.
    private struct Trial {
        let folder: WorkFolder
        let process: HostProcess
        let line: OperatorLine

        init(properties: String = "", in folder: WorkFolder? = nil, arguments: [String] = []) throws {
            let folder = try folder ?? WorkFolder()
            self.folder = folder
            process = try Machine.start(
                "init",
                object:
                    "share=on,durability=power-cut-test,mem-path=\(folder.file("disk.img")),size=\(megabytes)M\(properties)",
                arguments: OperatorLine.options(in: folder) + arguments)
            try process.waitForLine("ok init")
            line = try OperatorLine(in: folder)
        }

        /// Fills whole pages.
        func fill(_ pages: Range<Int>, _ byte: UInt8) throws {
            let address = 0x1000_0000 + pages.lowerBound * page
            #expect(try process.ask("fill \(address) \(pages.count * page) \(byte)").hasPrefix("ok fill"))
        }

        func flush() throws { #expect(try process.ask("flush").contains("ret=0")) }

        /// - Returns: the answer.
        func cut(_ mode: String, seed: UInt64 = 0) throws -> String {
            let answer = try line.ask(
                #"{"execute":"x-needletail-power-cut","arguments":{"mode":"\#(mode)","seed":\#(seed)}}"#)
            #expect(process.wait() == .exited(0))
            return answer
        }

        var content: [UInt8] { get throws { try [UInt8](Data(contentsOf: URL(filePath: folder.file("disk.img")))) } }

        /// The byte that each of the first pages is full of; nil where it is not full of one.
        func pages(_ count: Int) throws -> [UInt8?] {
            let content = try content
            return (0..<count).map { number in
                let bytes = content[number * page..<(number + 1) * page]
                return Set(bytes).count == 1 ? bytes.first : nil
            }
        }

        func unflushed() throws -> Int? {
            let answer = try line.ask(#"{"execute":"x-needletail-query-pmem"}"#)
            #expect(answer.contains(#""durability": "power-cut-test""#))
            guard let place = answer.range(of: "\"unflushed-pages\": ") else { return nil }
            return Int(answer[place.upperBound...].prefix { $0.isNumber })
        }
    }

    // MARK: Cuts

    @Test func droppedIsExactlyWhatWasNotFlushed() throws {
        let trial = try Trial()
        try trial.fill(0..<4, 1)
        #expect(try trial.unflushed() == 4)
        #expect(try trial.pages(4) == [0, 0, 0, 0])
        try trial.flush()
        #expect(try trial.unflushed() == 0)
        #expect(try trial.pages(4) == [1, 1, 1, 1])
        try trial.fill(2..<6, 2)
        #expect(try trial.unflushed() == 4)
        let answer = try trial.cut("drop")
        #expect(answer.contains(#""unflushed-pages": 4, "kept": 0, "torn": 0, "lost": 4"#), "\(answer)")
        let rest = [UInt8](repeating: 0, count: (512 - 4) * Self.page)
        #expect(try trial.content == [UInt8](repeating: 1, count: 4 * Self.page) + rest)
        #expect(
            trial.process.errors.contains(
                "power cut: mem1: unflushed pages in \(trial.folder.file("disk.img")): 4 (4 lost, 0 kept, 0 torn)"))
        #expect(trial.line.transcript.contains(#""event": "SHUTDOWN""#))
    }

    private func afterCut(_ mode: String, seed: UInt64) throws -> [UInt8] {
        let trial = try Trial()
        try trial.fill(0..<16, 1)
        try trial.flush()
        try trial.fill(4..<16, 2)
        let answer = try trial.cut(mode, seed: seed)
        #expect(answer.contains(#""unflushed-pages": 12"#), "\(answer)")
        #expect(try trial.pages(4) == [1, 1, 1, 1])
        return try Array(trial.content.prefix(16 * Self.page))
    }

    @Test func someOfThePagesAsTheSeedSays() throws {
        let first = try afterCut("subset", seed: 1)
        let pages = (4..<16).map { Set(first[$0 * Self.page..<($0 + 1) * Self.page]) }
        #expect(pages.contains([1]) && pages.contains([2]) && pages.allSatisfy { $0.count == 1 })
        #expect(try afterCut("subset", seed: 1) == first)
        #expect(try afterCut("subset", seed: 2) != first)
    }

    @Test func tornPagesAsTheSeedSays() throws {
        let first = try afterCut("torn", seed: 1)
        let words = stride(from: 4 * Self.page, to: 16 * Self.page, by: 8).map { Set(first[$0..<$0 + 8]) }
        #expect(words.allSatisfy { $0 == [1] || $0 == [2] })
        #expect((4..<16).contains { Set(first[$0 * Self.page..<($0 + 1) * Self.page]).count == 2 })
        #expect(try afterCut("torn", seed: 1) == first)
        #expect(try afterCut("torn", seed: 2) != first)
    }

    /// The next machine starts from what is left.
    @Test func theNextMachineSeesWhatIsLeft() throws {
        let first = try Trial()
        try first.fill(0..<1, 1)
        try first.flush()
        try first.fill(0..<2, 2)
        _ = try first.cut("drop")
        let second = try Trial(in: first.folder)
        #expect(try second.process.ask("peek 0x10000000 1").contains("value=0x01"))
        #expect(try second.process.ask("peek 0x10001000 1").contains("value=0x00"))
        _ = try second.cut("drop")
    }

    @Test func atTheHumanMonitor() throws {
        let trial = try Trial()
        try trial.fill(0..<3, 1)
        let info = try trial.line.ask(#"{"execute":"human-monitor-command","arguments":{"command-line":"info pmem"}}"#)
        #expect(info.contains("durability: power-cut-test, unflushed pages: 3"), "\(info)")
        let answer = try trial.line.ask(
            #"{"execute":"human-monitor-command","arguments":{"command-line":"x-needletail-power-cut drop"}}"#)
        #expect(answer.contains(": 3 (3 lost, 0 kept, 0 torn)"), "\(answer)")
        #expect(trial.process.wait() == .exited(0))
        #expect(try trial.pages(3) == [0, 0, 0])
    }

    @Test func withoutSuchAFileNothingHappens() throws {
        let folder = try WorkFolder()
        let process = try Machine.start(
            "init", object: "share=on,mem-path=\(folder.file("disk.img")),size=2M",
            arguments: OperatorLine.options(in: folder))
        try process.waitForLine("ok init")
        let line = try OperatorLine(in: folder)
        #expect(
            try line.ask(#"{"execute":"x-needletail-power-cut"}"#).contains(
                "no memory backend has durability=power-cut-test"))
        #expect(try process.ask("flush").contains("ret=0"))
        #expect(try !line.ask(#"{"execute":"x-needletail-query-pmem"}"#).contains("unflushed"))
        _ = try line.ask(#"{"execute":"quit"}"#)
        #expect(process.wait() == .exited(0))
    }

    // MARK: Without a cut

    @Test(arguments: ["power-off", "quit", "SIGTERM"]) func howeverTheMachineEndsTheFileHasWhatWasFlushed(end: String)
        throws
    {
        let trial = try Trial()
        try trial.fill(0..<2, 1)
        try trial.flush()
        try trial.fill(1..<3, 2)
        switch end {
        case "power-off": trial.process.send("power-off\n")
        case "quit": _ = try trial.line.ask(#"{"execute":"quit"}"#)
        default: trial.process.signal(SIGTERM)
        }
        #expect(trial.process.wait() == .exited(end == "SIGTERM" ? 128 + SIGTERM : 0))
        #expect(try trial.pages(4) == [1, 1, 0, 0])
        let message =
            "mem1: unflushed pages, which are not in \(trial.folder.file("disk.img")) since it has durability=power-cut-test: 2\n"
        #expect(trial.process.errors.contains(message))
    }

    /// A reset is no power cut. The next power cycle has memory slots of its own.
    @Test func aResetKeepsTheMemoryAndWhatIsUnflushed() throws {
        let trial = try Trial()
        try trial.fill(0..<2, 1)
        _ = try trial.line.ask(#"{"execute":"system_reset"}"#)
        #expect(eventually(seconds: 40) { trial.process.output.components(separatedBy: "ok init").count == 3 })
        #expect(try trial.process.ask("peek 0x10001000 1").contains("value=0x01"))
        #expect(try trial.unflushed() == 2)
        try trial.fill(1..<3, 2)
        #expect(try trial.unflushed() == 3)
        try trial.flush()
        try trial.fill(0..<1, 3)
        _ = try trial.cut("drop")
        #expect(try trial.pages(4) == [1, 2, 2, 0])
    }

    /// Unplugging is none, either: the backend keeps what is unflushed for the next device.
    @Test func unpluggedAndPluggedAgain() throws {
        let trial = try Trial()
        try trial.fill(0..<1, 1)
        try trial.flush()
        try trial.fill(0..<2, 2)
        // The driver's part of an eject: slot 1 in the register at 0x08 of the hot-plug registers.
        #expect(try trial.process.ask("poke 0xfeb01008 4 2") == "ok poke")
        try trial.line.waitForEvent("DEVICE_DELETED")
        #expect(try trial.pages(2) == [1, 0])
        let added = try trial.line.ask(
            #"{"execute":"device_add","arguments":{"driver":"virtio-pmem-pci","id":"nv2","memdev":"mem1","memaddr":268435456}}"#
        )
        #expect(added == "{\"return\": {}}")
        #expect(try trial.process.ask("scan").hasPrefix("ok scan"))
        // A new function decodes nothing before it is told to.
        #expect(try trial.process.ask("pci-write 00:01.0 4 2 0x406").hasPrefix("ok pci-write"))
        #expect(try trial.process.ask("init").hasPrefix("ok init"))
        #expect(try trial.unflushed() == 2)
        try trial.fill(2..<3, 3)
        try trial.flush()
        #expect(try trial.pages(4) == [2, 2, 3, 0])
        _ = try trial.cut("drop")
    }

    @Test func aBackendThatGoesSaysWhatItLoses() throws {
        let trial = try Trial()
        try trial.fill(0..<5, 1)
        #expect(try trial.process.ask("poke 0xfeb01008 4 2") == "ok poke")
        try trial.line.waitForEvent("DEVICE_DELETED")
        #expect(try trial.line.ask(#"{"execute":"object-del","arguments":{"id":"mem1"}}"#) == "{\"return\": {}}")
        #expect(trial.process.errors.contains("durability=power-cut-test: 5\n"))
        _ = try trial.line.ask(#"{"execute":"quit"}"#)
        #expect(trial.process.wait() == .exited(0))
        #expect(try trial.pages(5) == [0, 0, 0, 0, 0])
    }

    // MARK: What the monitor stores

    /// The queue lies in the memory that it flushes: what the monitor writes into the used ring is a store like the
    /// guest's.
    @Test func aRingInTheMemory() throws {
        let trial = try Trial()
        let ring = try trial.process.ask("init desc=0x10100000 avail=0x10101000 used=0x10102000")
        try #require(ring.hasPrefix("ok init"))
        try trial.flush()
        try trial.flush()
        // The second flush took the answer of the first with it; its own answer came afterwards.
        #expect(try trial.unflushed() == 1)
        _ = try trial.cut("drop")
        let content = try trial.content
        #expect(content[0x10_2002] == 1, "the used index of the file")
    }

    // MARK: A disk that fails

    @Test(.disabled(if: TemporaryMount.ext4Problem != nil, "\(TemporaryMount.ext4Problem ?? "")"))
    func aFailingDisk() throws {
        let disk = try FailingDisk()
        let socket = try WorkFolder()
        let process = try Machine.start(
            "init", object: "share=on,durability=power-cut-test,mem-path=\(disk.files.file("disk.img")),size=4M",
            arguments: OperatorLine.options(in: socket))
        let line = try OperatorLine(in: socket)
        try process.waitForLine("ok init")
        #expect(try process.ask("poke 0x10000000 1 7") == "ok poke")
        #expect(try process.ask("flush").contains("ret=0"))
        try disk.fail()
        #expect(try process.ask("touch 0x10100000 1M").hasPrefix("ok touch"))
        #expect(try process.ask("flush").contains("ret=-1"))
        let event = try line.waitForEvent("x-needletail-PMEM_FLUSH_FAILED")
        #expect(event.contains(disk.files.file("disk.img")) && event.contains(#""errno": "E"#))
        try disk.recover()
        // It stays failed, and no page is forgotten.
        #expect(try process.ask("flush").contains("ret=-1"))
        #expect(try line.ask(#"{"execute":"x-needletail-query-pmem"}"#).contains(#""unflushed-pages": 256"#))
        _ = try line.ask(#"{"execute":"x-needletail-clear-failure","arguments":{"id":"nv1"}}"#)
        #expect(try process.ask("flush").contains("ret=0"))
        #expect(try line.ask(#"{"execute":"x-needletail-query-pmem"}"#).contains(#""unflushed-pages": 0"#))
        #expect(try line.ask(#"{"execute":"x-needletail-power-cut"}"#).contains(#""unflushed-pages": 0"#))
        #expect(process.wait() == .exited(0))
    }
}
