import Foundation
import Testing

extension EndToEnd {
    /// A file of 256 MiB, read with DAX and without.
    @Suite struct PageCache {
        private static let outcome = Result {
            var options = Monitor.Options(scripts: ["page-cache"])
            let byteCount =
                try FileManager.default.attributesOfItem(atPath: Laboratory.largeDisk)[.size] as? UInt64 ?? 0
            options.devices = [
                "-object", "memory-backend-file,id=mem1,share=on,mem-path=\(Laboratory.largeDisk),size=\(byteCount)",
                "-device", "virtio-pmem-pci,memdev=mem1,id=nv1",
            ]
            return try Boot(options)
        }

        /// By how many KiB the guest's page cache grew.
        private func growth(_ mode: String) throws -> Int {
            let boot = try Self.outcome.get()
            let report = boot.reports.first { $0.hasPrefix("cached dax=\(mode) ") }
            let numbers = try #require(report, "\(boot.console)\(boot.errors)").split(separator: " ").compactMap {
                Int($0)
            }
            try #require(numbers.count == 2)
            return numbers[1] - numbers[0]
        }

        @Test func readingWithDAXLeavesItWhereItWas() throws { #expect(abs(try growth("always")) < 4 << 10) }

        @Test func readingWithoutDAXFillsIt() throws { #expect(try growth("never") > 250 << 10) }
    }
}
