import Foundation
import Testing

extension EndToEnd {
    /// Several devices in one guest.
    @Suite struct ManyDevices {
        private static let sizes: [UInt64] = [16 << 20, 64 << 20, 1 << 30, 64 << 30]

        private struct Outcome: Sendable {
            let disks: [Disk]
            let boot: Boot
        }

        /// Linux needs 1 GiB of memory to describe 64 GiB.
        private static let four = Result {
            let disks = try sizes.map { try Disk(byteCount: $0) }
            var options = Monitor.Options(memory: "1792M", processors: 2, scripts: ["devices", "memory-map", "labels"])
            options.devices = disks.enumerated().flatMap { Monitor.pmem($1, $0 + 1) }
            return Outcome(disks: disks, boot: try Boot(options))
        }

        @Test(arguments: sizes.indices) func isAFileOfItsOwn(_ index: Int) throws {
            let (outcome, byteCount) = (try Self.four.get(), Self.sizes[index])
            #expect(outcome.boot.reports.contains("labelled"), "\(outcome.boot.console)\(outcome.boot.errors)")
            let name = "pmem\(index)"
            #expect(outcome.boot.reports.contains { $0.hasPrefix("device \(name) \(byteCount) ") })
            for offset in [0, byteCount - 4096] {
                let label = "label \(name) \(offset / 4096) "
                #expect(try outcome.disks[index].text(at: offset, byteCount: label.utf8.count) == label)
            }
        }

        @Test func lieApartAboveMemory() throws {
            let map = MemoryMap(try Self.four.get().boot.reports)
            #expect(map.persistent.map { UInt64($0.count) } == Self.sizes)
            #expect(
                map.persistent.allSatisfy { $0.lowerBound % (UInt64($0.count) >= 1 << 30 ? 1 << 30 : 2 << 20) == 0 })
            let lowest = try #require(map.persistent.first?.lowerBound)
            #expect(map.ram.allSatisfy { $0.upperBound <= lowest })
        }

        /// As many as one bus takes, the first at an address of its own.
        @Test func twentyEightAndAnAddressThatWasAskedFor() throws {
            let disks = try (1...28).map { _ in try Disk(byteCount: 16 << 20) }
            var options = Monitor.Options(scripts: ["devices", "memory-map", "labels"])
            options.devices = disks.enumerated().flatMap { index, disk in
                Monitor.pmem(disk, index + 1, device: index == 0 ? ",memaddr=0x2340000000" : "")
            }
            let boot = try Boot(options)
            #expect(boot.ending == .status(0), "\(boot.console)\(boot.errors)")
            let map = MemoryMap(boot.reports)
            #expect(map.persistent.count == 28)
            #expect(map.persistent.contains(0x23_4000_0000..<0x23_4100_0000))
            #expect(boot.reports.filter { $0.hasPrefix("device pmem") }.count == 28)
            let labels = Set(try disks.map { try $0.text(at: 0, byteCount: 13) })
            #expect(labels.count == 28 && labels.allSatisfy { $0.hasPrefix("label pmem") })
        }
    }
}
