import Foundation
import Testing

@testable import Backend

extension EndToEnd {
    /// The example of docs/power-cut-testing.md: ledgers that are kept in a careful and in two careless manners, and a
    /// power cut.
    @Suite struct PowerCutMode {
        private struct Ledgers {
            let disk: Disk

            init() throws {
                let files = ["careful", "hasty", "forgetful"].map { ($0, Ledger.empty) }
                disk = try Disk.ext4(byteCount: 64 << 20, files: Dictionary(uniqueKeysWithValues: files))
            }

            /// Where a page of a ledger lies in the disk, in pages. (The file system's blocks are as large.)
            func place(of page: Int, in name: String) throws -> Int {
                let answer = try run(["debugfs", "-R", "bmap /\(name) \(page)", disk.path])
                return try #require(answer.split(whereSeparator: \.isNewline).compactMap { Int($0) }.last)
            }

            /// Lets the guest append to them until each waits in the midst of a record, and cuts the power.
            ///
            /// - Returns: what the guest reported.
            func appendAndCut(_ manners: String, _ command: String) throws -> [String] {
                var options = Monitor.Options(scripts: ["ledgers"], append: "nt.manners=\(manners)")
                let socket = "\(Laboratory.folder)/monitor-\(UUID().uuidString)"
                options.devices =
                    Monitor.pmem(disk, share: "share=on,durability=power-cut-test")
                    + ["-monitor", "unix:\(socket),server=on,wait=off"]
                let monitor = try Monitor(options)
                let line = try SocketClient(socket)
                try monitor.wait(for: "guest: cut the power")
                try line.send("\(command)\n")
                try line.wait(for: "mem1: unflushed pages in ")
                #expect(try monitor.end() == .status(0))
                try disk.check()
                return monitor.reports
            }

            func ledger(_ name: String) throws -> Ledger { Ledger(try disk.file(name)) }
        }

        /// A seed that shows both faults: the hasty ledger counts a record that is not there, the forgetful one has
        /// not counted.
        private func tellingSeed(_ ledgers: Ledgers) throws -> UInt64 {
            let (count, record) = (try ledgers.place(of: 0, in: "hasty"), try ledgers.place(of: 4, in: "hasty"))
            let forgotten = try ledgers.place(of: 0, in: "forgetful")
            let seed = (0..<1000 as Range<UInt64>).first { seed in
                let cut = PowerCut(mode: .subset, seed: seed)
                return cut.fate(ofPage: count) == .kept && cut.fate(ofPage: record) == .lost
                    && cut.fate(ofPage: forgotten) == .lost
            }
            return try #require(seed)
        }

        @Test func aMissingSyncIsCaught() throws {
            let ledgers = try Ledgers()
            let seed = try tellingSeed(ledgers)
            let reports = try ledgers.appendAndCut("careful,hasty,forgetful", "x-needletail-power-cut subset \(seed)")
            for manner in ["careful", "hasty", "forgetful"] {
                #expect(reports.contains("\(manner): stored 3"), "\(reports)")
            }
            let careful = try ledgers.ledger("careful")
            #expect(careful.count >= 3 && careful.damaged == [])
            // It said that three were stored, and has none.
            #expect(try ledgers.ledger("forgetful").count == 0)
            // It counts a fourth, of which nothing is there.
            let hasty = try ledgers.ledger("hasty")
            #expect(hasty.count == 4 && hasty.damaged == [4])
        }

        /// The careful one alone, so that no other program's sync helps it.
        @Test(arguments: ["drop", "torn 1"]) func theCareOfTheCarefulOneIsEnough(command: String) throws {
            let ledgers = try Ledgers()
            let reports = try ledgers.appendAndCut("careful", "x-needletail-power-cut \(command)")
            #expect(reports.contains("careful: stored 3"))
            let ledger = try ledgers.ledger("careful")
            #expect(ledger.count >= 3 && ledger.damaged == [])
        }
    }
}

/// A file of guest/ledger.c.
private struct Ledger {
    private static let page = 4096

    /// As `ledger new` makes it.
    static let empty: Data = {
        var data = Data(repeating: UInt8(ascii: "-"), count: 16 * page)
        data.replaceSubrange(0..<16, with: Data("ledger1\0".utf8) + Data(count: 8))
        return data
    }()

    let count: UInt64
    /// The numbers of records that are counted and not whole.
    let damaged: [Int]

    init(_ data: Data) {
        let bytes = [UInt8](data)
        func word(at offset: Int) -> UInt64 {
            (0..<8).reduce(0) { $0 | UInt64(bytes[offset + $1]) << (8 * UInt64($1)) }
        }
        let count = word(at: 8)
        self.count = count
        damaged = (1...15).filter { number in
            let start = number * Self.page
            let sum = bytes[start + 8..<start + Self.page].reduce(0xcbf2_9ce4_8422_2325) {
                ($0 ^ UInt64($1)) &* 0x100_0000_01b3
            }
            return number <= count && sum != word(at: start)
        }
    }
}
