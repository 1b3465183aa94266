import Glibc
import Testing

extension EndToEnd {
    /// Files that the guest cannot have all of.
    @Suite struct HostFile {
        /// The file is truncated while a guest uses it: the monitor ends with a message, not by SIGBUS.
        @Test func shrinkingEndsTheMonitorWithAReason() throws {
            let disk = try Disk(byteCount: 64 << 20)
            var options = Monitor.Options(scripts: ["read-all"])
            options.devices = Monitor.pmem(disk)
            let monitor = try Monitor(options)
            try monitor.wait(for: "guest: waiting")
            try disk.truncate(to: 16 << 20)
            try monitor.type("go on")
            #expect(try monitor.end() == .status(1))
            #expect(!monitor.reports.contains("read it all"))
            #expect(
                monitor.errors.contains("'\(disk.path)' has 16777216 bytes now, 67108864 are in use"),
                "\(monitor.errors)")
        }

        @Test func readOnlyIsReadButNotWritten() throws {
            let disk = try Disk.ext4(byteCount: 16 << 20, file: ("file", "unchanged\n"))
            let before = try run(["sha256sum", disk.path])
            var options = Monitor.Options(scripts: ["read-only"])
            options.devices = Monitor.pmem(disk, share: "share=on,readonly=on")
            let boot = try Boot(options)
            #expect(boot.reports.contains("file unchanged"), "\(boot.console)\(boot.errors)")
            #expect(boot.reports.contains { $0.hasPrefix("write ") }, "\(boot.console)\(boot.errors)")
            #expect(boot.ending == .status(0))
            #expect(try run(["sha256sum", disk.path]) == before)
        }
    }
}
