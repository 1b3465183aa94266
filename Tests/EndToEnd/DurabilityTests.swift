import Foundation
import Glibc
import Testing

extension EndToEnd {
    /// What is in the file when the monitor does not end by the guest's power-off.
    @Suite struct Durability {
        /// The guest writes records, each with an fsync, and says which are durable; SIGKILL comes in the midst of it.
        @Test func fsyncedIsInTheFileAfterSIGKILL() throws {
            let disk = try Disk.ext4(byteCount: 64 << 20)
            var options = Monitor.Options(processors: 2, scripts: ["records"])
            options.devices = Monitor.pmem(disk)
            let monitor = try Monitor(options)
            try monitor.wait(for: "record 20\n")
            monitor.kill(SIGKILL)
            #expect(try monitor.end() == .signal(SIGKILL))
            let reported = monitor.console.split(separator: "\n").filter { $0.hasPrefix("record ") }.count
            try disk.check()
            let intact = Record.intactCount(in: try disk.file("records"))
            #expect(intact >= reported && reported >= 20)
        }

        /// The same driver on a packed ring, and with a small queue.
        @Test func aPackedRing() throws {
            let disk = try Disk.ext4(byteCount: 64 << 20)
            var options = Monitor.Options(scripts: ["ring", "dax-write"])
            options.devices = Monitor.pmem(disk, device: ",packed=on,x-needletail-queue-size=16")
            let boot = try Boot(options)
            #expect(boot.ending == .status(0))
            #expect(boot.reports.contains("packed 1") && boot.reports.contains("written"), "\(boot.console)")
            try disk.check()
            #expect(try disk.text("file") == "hello\n")
        }

        private struct Unsynced: Sendable {
            let disk: Disk
            let ending: Monitor.Ending
            let console: String
            let afterFlush: Bool
            let afterStores: Bool
            let afterEnd: Bool
        }

        /// A guest that stores, flushes, stores again without a flush, and is ended by SIGTERM.
        private static let unsynced = Result {
            let disk = try Disk.ext4(byteCount: 64 << 20)
            var options = Monitor.Options(scripts: ["unsynced"])
            options.devices = Monitor.pmem(disk)
            let monitor = try Monitor(options)
            try monitor.wait(for: "guest: synced")
            let afterFlush = try disk.hasUnsynchronizedBlocks()
            try monitor.type("go on")
            try monitor.wait(for: "guest: unsynced")
            let afterStores = try disk.hasUnsynchronizedBlocks()
            monitor.kill(SIGTERM)
            let ending = try monitor.end()
            let afterEnd = try disk.hasUnsynchronizedBlocks()
            return Unsynced(
                disk: disk, ending: ending, console: monitor.console, afterFlush: afterFlush, afterStores: afterStores,
                afterEnd: afterEnd)
        }

        /// Seen from the host's file system: what only lies in the page cache has no blocks there.
        @Test func aFlushSynchronizesTheFile() throws {
            let run = try Self.unsynced.get()
            try #require(
                run.afterStores,
                "the file system of \(run.disk.path) cannot tell; the tests' folder has to be on ext4 or XFS")
            #expect(!run.afterFlush)
        }

        @Test func sigtermSynchronizesTheFile() throws {
            let run = try Self.unsynced.get()
            #expect(run.ending == .status(128 + SIGTERM))
            #expect(!run.afterEnd)
            try run.disk.check()
            #expect(try run.disk.text("mapped") == "behind\n")
        }
    }
}

/// The records of guest/records.c: number, words that follow from it, checksum.
private enum Record {
    static let byteCount = 4096
    private static let wordCount = byteCount / 8

    /// How many are whole, from the first on.
    static func intactCount(in data: Data) -> Int {
        let bytes = [UInt8](data)
        var count = 0
        while (count + 1) * byteCount <= bytes.count {
            let words = (0..<wordCount).map { word in
                (0..<8).reduce(UInt64(0)) { $0 | UInt64(bytes[count * byteCount + word * 8 + $1]) << (8 * UInt64($1)) }
            }
            guard words == make(UInt64(count + 1)) else { break }
            count += 1
        }
        return count
    }

    private static func make(_ number: UInt64) -> [UInt64] {
        var words = [number]
        for index in 1..<wordCount - 1 {
            words.append(words[index - 1] &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407)
        }
        words.append(words.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ $1) &* 0x100_0000_01b3 })
        return words
    }
}
