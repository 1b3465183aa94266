import Foundation
import TestSupport
import Testing

extension EndToEnd {
    /// Devices that are plugged into a running Linux by the lines that virtio-pmem's documentation gives, and taken
    /// out again.
    @Suite struct HotPlug {
        private static let cycles = 100
        private static let objectLine = "object_add memory-backend-file,id=mem2,share=on,mem-path=%,size=16M"
        private static let deviceLine = "device_add virtio-pmem-pci,id=virtio_pmem2,memdev=mem2"

        private struct Outcome: Sendable {
            let disk: Disk
            let ending: Monitor.Ending
            let console: String
            let answers: Set<String>
            let addresses: Set<String>
            let early: Footprint
            let late: Footprint
            /// From the line `device_add` to the guest's word that /dev/pmem1 is there.
            let secondsToDevice: [Double]
        }

        /// One boot: plugged, used with DAX, unmounted, taken out, a hundred times; and once more, taken out while it
        /// is mounted.
        private static let outcome = Result {
            let (disk, first) = (try Disk.ext4(byteCount: 16 << 20), try Disk(byteCount: 16 << 20))
            var options = Monitor.Options(scripts: ["hot-plug", "unplugged-while-mounted"])
            options.append = "nt.cycles=\(cycles) nt.text=needle"
            options.devices = Monitor.pmem(first) + Operator.options("hot-plug")
            let monitor = try Monitor(options)
            let person = try Operator("hot-plug")
            try monitor.wait(for: "guest: ready")
            var (answers, addresses): (Set<String>, Set<String>) = ([], [])
            var (seconds, early): ([Double], Footprint?) = ([], nil)
            for cycle in 1...cycles {
                answers.insert(try person.type(objectLine.replacing("%", with: disk.path)))
                let begin = Date()
                answers.insert(try person.type(deviceLine))
                try monitor.wait(for: "guest: plugged \(cycle) ")
                seconds.append(Date().timeIntervalSince(begin))
                try monitor.wait(for: "guest: released \(cycle)\n")
                addresses.insert(try person.type("info memory-devices"))
                answers.insert(try person.type("device_del virtio_pmem2"))
                try person.wait(forEvent: "DEVICE_DELETED")
                answers.insert(try person.type("object_del mem2"))
                try monitor.wait(for: "guest: gone \(cycle)\n")
                if cycle == 10 { early = try monitor.footprint() }
            }
            let late = try monitor.footprint()
            answers.insert(try person.type(objectLine.replacing("%", with: disk.path)))
            answers.insert(try person.type(deviceLine))
            try monitor.wait(for: "guest: mounted")
            answers.insert(try person.type("device_del virtio_pmem2"))
            try person.wait(forEvent: "DEVICE_DELETED", "DEVICE_UNPLUG_GUEST_ERROR")
            try monitor.type("go on")
            let ending = try monitor.end()
            return Outcome(
                disk: disk, ending: ending, console: monitor.console, answers: answers, addresses: addresses,
                early: try #require(early), late: late, secondsToDevice: seconds)
        }

        @Test func theDocumentedLinesGiveADevice() throws {
            let outcome = try Self.outcome.get()
            #expect(outcome.answers == [""], "a command was answered with an error")
            let sorted = outcome.secondsToDevice.sorted()
            print("device_add to /dev/pmem1: median \(sorted[sorted.count / 2]) s, maximum \(sorted.last ?? 0) s")
            // A second where the processor is none that is emulated: that one is ten times slower.
            #expect(sorted[sorted.count / 2] < 10)
        }

        @Test func whatWasWrittenInEachCycleIsInTheFile() throws {
            let disk = try Self.outcome.get().disk
            try disk.check()
            let files = try disk.allFiles()
            for cycle in 1...Self.cycles { #expect(files["file\(cycle)"] == "needle \(cycle)\n") }
        }

        @Test func nothingGrows() throws {
            let (early, late) = (try Self.outcome.get().early, try Self.outcome.get().late)
            print("after 10 and after \(Self.cycles) cycles: \(early); \(late)")
            #expect(late.descriptors == early.descriptors && late.threads == early.threads)
            #expect(late.mappings <= early.mappings + 2)
            // Guest memory that the guest touches meanwhile is resident, too: it is what 90 cycles may take of Linux's
            // own.
            #expect(late.residentKiB <= early.residentKiB + (64 << 10))
        }

        @Test func theAddressRangeIsReused() throws { #expect(try Self.outcome.get().addresses.count == 1) }

        /// While a file system is mounted the guest decides, and nothing that it fsynced is lost; the machine goes on.
        @Test func takenOutWhileMounted() throws {
            let outcome = try Self.outcome.get()
            #expect(outcome.console.contains("guest: went on"))
            #expect(outcome.ending == .status(0), "\(outcome.console)")
            #expect(try outcome.disk.text("mounted") == "needle\n")
        }
    }
}
