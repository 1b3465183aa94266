import Foundation
import Testing

extension EndToEnd {
    /// The line that virtio-pmem's documentation gives: a bzImage, one processor, `share` without a value.
    @Suite struct DocumentedLine {
        private struct Outcome: Sendable {
            let disk: Disk
            let first: Boot
        }

        private static let outcome = Result {
            let disk = try Disk.ext4(byteCount: 4 << 30)
            var options = Monitor.Options(scripts: ["devices", "memory-map", "map-sync", "dax-write", "mapped-write"])
            options.kernel = .bzImage
            options.append = "nt.text=durable"
            options.devices = Monitor.pmem(disk, share: "share")
            let first = try Boot(options)
            try disk.check()
            return Outcome(disk: disk, first: first)
        }

        @Test func powerOffEndsWithStatus0() throws {
            let boot = try Self.outcome.get().first
            #expect(boot.ending == .status(0), "\(boot.console)\(boot.errors)")
            #expect(boot.reports.last == "exit 0")
        }

        @Test func isMountedWithDAX() throws {
            let boot = try Self.outcome.get().first
            #expect(boot.console.contains(#/\/dev/pmem0 \/mnt ext4 [^ ]*dax=always/#), "\(boot.console)")
        }

        @Test func hasOneProcessor() throws {
            #expect(try Self.outcome.get().first.reports.contains("processors 1"))
        }

        @Test func liesAboveMemoryOnAGiB() throws {
            let (reports, gib) = (try Self.outcome.get().first.reports, UInt64(1 << 30))
            let map = MemoryMap(reports)
            let range = try #require(map.persistent.first)
            #expect(reports.contains { $0.hasPrefix("device pmem0 \(4 * gib)") })
            #expect(UInt64(range.count) == 4 * gib && range.lowerBound % gib == 0)
            #expect(map.ram.allSatisfy { $0.upperBound <= range.lowerBound })
        }

        @Test func fsyncedIsInTheFileAfterPowerOff() throws {
            #expect(try Self.outcome.get().disk.text("file") == "durable\n")
        }

        @Test func msyncedIsInTheFileAfterPowerOff() throws {
            #expect(try Self.outcome.get().disk.text("mapped") == "durable\n")
        }

        @Test func mapSyncIsRefused() throws {
            #expect(try Self.outcome.get().first.reports.contains("MAP_SYNC EOPNOTSUPP"))
        }

        @Test func theNextGuestSeesIt() throws {
            var options = Monitor.Options(scripts: ["devices", "dax-read"])
            options.processors = 2
            options.devices = Monitor.pmem(try Self.outcome.get().disk)
            let boot = try Boot(options)
            #expect(boot.ending == .status(0), "\(boot.errors)")
            #expect(boot.reports.contains("file durable"), "\(boot.console)")
            #expect(boot.reports.contains("processors 2"))
        }
    }
}

/// What the script memory-map prints.
struct MemoryMap {
    var ram: [Range<UInt64>] = []
    var persistent: [Range<UInt64>] = []

    init(_ reports: [String]) {
        for words in reports.map({ $0.split(separator: " ") }) where words.count >= 3 && words[0] == "map" {
            let ends = words[1].split(separator: "-").compactMap { UInt64($0, radix: 16) }
            guard ends.count == 2, ends[0] < ends[1] else { continue }
            if words[2] == "System" {
                ram.append(ends[0]..<ends[1] + 1)
            } else {
                persistent.append(ends[0]..<ends[1] + 1)
            }
        }
        persistent.sort { $0.lowerBound < $1.lowerBound }
    }
}
