import Testing

extension EndToEnd {
    /// `x-shmem=on`: the memory is a BAR. Linux takes it as a shared memory region since 6.8; an older one reads its
    /// address in the device's configuration.
    @Suite struct SharedMemory {
        private struct Outcome: Sendable {
            /// An ext4 file system of 1 GiB, and 40 MiB, in a BAR of 64 MiB.
            let disks: [Disk]
            let newer: Boot
            let older: Boot
        }

        private static let outcome = Result {
            let disks = [try Disk.ext4(byteCount: 1 << 30), try Disk(byteCount: 40 << 20)]
            var options = Monitor.Options(scripts: [
                "devices", "shared-memory", "memory-map", "dax-write", "mapped-write",
            ])
            options.devices = disks.enumerated().flatMap { Monitor.pmem($1, $0 + 1, device: ",x-shmem=on") }
            options.guest = Laboratory.newerGuest
            options.append = "nt.text=shared"
            let newer = try Boot(options)
            options.guest = Laboratory.guest
            options.scripts = ["devices", "shared-memory", "dax-read"]
            return Outcome(disks: disks, newer: newer, older: try Boot(options))
        }

        /// What Linux says of each device: whether it took the region, where the BAR and where its own region is.
        private func check(_ boot: Boot, taken: String) throws {
            #expect(boot.ending == .status(0), "\(boot.console)\(boot.errors)")
            let shared = boot.reports.filter { $0.hasPrefix("shared ") }.map { $0.split(separator: " ") }
            try #require(shared.count == 2, "\(boot.console)\(boot.errors)")
            #expect(shared.allSatisfy { $0[1] == taken }, "\(boot.console)")
            let sizes = shared.map { words in
                (UInt64(words[3].dropFirst(2), radix: 16) ?? 0) &- (UInt64(words[2].dropFirst(2), radix: 16) ?? 0) &+ 1
            }
            #expect(Set(sizes) == [1 << 30, 64 << 20])
            // In whichever order Linux numbers them.
            let devices = boot.reports.filter { $0.hasPrefix("device ") }.map { $0.split(separator: " ") }
            #expect(Set(devices.map { UInt64($0[2]) }) == [1 << 30, 40 << 20])
            #expect(Set(devices.compactMap { $0.last }) == Set(shared.map { $0[2] }), "each lies where its BAR is")
        }

        @Test func newerLinuxTakesTheRegion() throws { try check(try Self.outcome.get().newer, taken: "1") }

        @Test func olderLinuxReadsTheAddress() throws { try check(try Self.outcome.get().older, taken: "0") }

        @Test func isMountedWithDAX() throws {
            let boot = try Self.outcome.get().newer
            #expect(boot.console.contains(#/\/dev\/pmem0 \/mnt ext4 [^ ]*dax=always/#), "\(boot.console)")
        }

        @Test func whatWasSyncedIsInTheFile() throws {
            let disk = try Self.outcome.get().disks[0]
            try disk.check()
            #expect(try disk.text("file") == "shared\n")
            #expect(try disk.text("mapped") == "shared\n")
        }

        @Test func olderLinuxSeesIt() throws {
            let boot = try Self.outcome.get().older
            #expect(boot.reports.contains("file shared"), "\(boot.console)\(boot.errors)")
        }
    }
}
