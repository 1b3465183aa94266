import Glibc
import Testing

extension EndToEnd {
    /// How the guest's reboots and panics end, and begin.
    @Suite struct Power {
        /// A guest that counts its boots on the device.
        private func countBoots(_ end: String, _ more: [String] = []) throws -> (Boot, count: String) {
            let disk = try Disk.ext4(byteCount: 64 << 20)
            var options = Monitor.Options(processors: 2, scripts: ["boot-count"])
            options.append = end
            options.devices = Monitor.pmem(disk) + more
            let boot = try Boot(options)
            try disk.check()
            return (boot, try disk.text("count"))
        }

        /// The first boot ends with a reboot, the second with a panic. The monitor keeps running, and each boot sees
        /// what the one before wrote.
        @Test func aResetStartsTheGuestAnew() throws {
            let (boot, count) = try countBoots("nt.ends=reboot,panic,poweroff")
            #expect(boot.ending == .status(0), "\(boot.console)\(boot.errors)")
            #expect(boot.reports.filter { $0.hasPrefix("boot ") } == ["boot 1", "boot 2", "boot 3"], "\(boot.console)")
            #expect(boot.console.contains("Kernel panic"))
            #expect(count == "3\n")
        }

        @Test func aPanicWithNoRebootEndsTheMonitor() throws {
            let (boot, count) = try countBoots("nt.ends=panic", ["-no-reboot"])
            #expect(boot.ending == .status(0), "\(boot.console)\(boot.errors)")
            #expect(boot.reports.filter { $0.hasPrefix("boot ") } == ["boot 1"])
            #expect(boot.console.contains("Kernel panic"))
            #expect(count == "1\n")
        }

        /// A socket that a client connects to is the guest's console in both directions.
        @Test func aLineReachesTheGuestThroughASocket() throws {
            let path = "\(Laboratory.folder)/serial"
            var options = Monitor.Options(scripts: ["read-line"])
            options.serial = "unix:\(path),server=on,wait=off"
            let monitor = try Monitor(options)
            let client = try SocketClient(path)
            try client.wait(for: "guest: waiting")
            try client.send("swift as a needletail\n")
            try client.wait(for: "guest: read swift as a needletail")
            #expect(try monitor.end() == .status(0))
        }
    }
}
