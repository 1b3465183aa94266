import Foundation
import SeededRandom
import TestSupport
import Testing

/// Processors that do nothing but touch registers at random, every window that the machine has, while an operator
/// gives commands at random. `Scripts/soak` runs it with more seeds.
@Suite("Hostile processors", .serialized, .enabled(if: Needletail.hasKVM, "\(Needletail.noKVM)"))
struct HostileProcessorsTests {
    private static let seconds = 15.0
    /// On an idle machine it is milliseconds; FloodTests judges how long `stop` may take.
    private static let secondsToAnswer = 15.0
    private static let growthKiB = 8 << 10

    private static let commands = [
        #"{"execute":"query-status"}"#, #"{"execute":"query-pci"}"#, #"{"execute":"query-memory-devices"}"#,
        #"{"execute":"query-cpus-fast"}"#, #"{"execute":"stop"}"#, #"{"execute":"cont"}"#,
        #"{"execute":"system_reset"}"#, #"{"execute":"system_powerdown"}"#,
        #"{"execute":"object-add","arguments":{"qom-type":"memory-backend-ram","id":"mem2","size":2097152}}"#,
        #"{"execute":"device_add","arguments":{"driver":"virtio-pmem-pci","id":"nv2","memdev":"mem2"}}"#,
        #"{"execute":"device_del","arguments":{"id":"nv2"}}"#,
        #"{"execute":"device_del","arguments":{"id":"nv-pmem"}}"#,
        #"{"execute":"object-del","arguments":{"id":"mem2"}}"#,
        #"{"execute":"human-monitor-command","arguments":{"command-line":"info pmem"}}"#,
        #"{"execute":"human-monitor-command","arguments":{"command-line":"info qtree"}}"#,
    ]

    @Test("the monitor answers, does not grow and ends", arguments: [1, 2, 3, 4], Seeds.usually(1...1))
    func hostile(_ processorCount: Int, _ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed &* 8 &+ UInt64(processorCount))
        let deadline = Date() + Self.seconds
        var answers = 0
        // A guest may power itself off by chance: then the next one goes on.
        while Date() < deadline { answers += try attack(processorCount, until: deadline, &random) }
        #expect(answers > 20)
    }

    /// One machine, until the guest powers it off or the time is over.
    ///
    /// - Returns: how many commands it answered.
    private func attack(_ processorCount: Int, until deadline: Date, _ random: inout SeededGenerator) throws -> Int {
        var machine = try Machine.withDevice()
        machine.addDevice("bar.img", size: "16M", more: ",x-shmem=on")
        let socket = machine.folder.file("qmp")
        machine.options += ["-smp", "\(processorCount)", "-qmp", "unix:\(socket),server=on,wait=off"]
        let seed = UInt32.random(in: 1...1 << 24, using: &random)
        let process = try machine.start("scan;init;hostile \(processorCount - 1) \(seed) join=1")
        let qmp = try OperatorLine(socket)
        var answers = 0
        var before: Footprint?
        while Date() < deadline {
            let command = Self.commands.randomElement(using: &random) ?? ""
            let begin = Date()
            let answer = try? qmp.ask(command)
            if answer == nil, process.wait(seconds: 1) == .exited(0) { return answers }
            #expect(answer != nil, "seed \(seed), no answer to \(command): \(process.errors)")
            #expect(Date().timeIntervalSince(begin) < Self.secondsToAnswer, "seed \(seed), \(command)")
            answers += 1
            if answers == 20 { before = try? Footprint(of: process.identifier) }
            usleep(UInt32.random(in: 0...20_000, using: &random))
        }
        if let before, let after = try? Footprint(of: process.identifier) {
            #expect(after.residentKiB < before.residentKiB + Self.growthKiB, "seed \(seed): \(before), then \(after)")
        }
        process.signal(SIGTERM)
        let end = process.wait(seconds: 10)
        #expect(end == .exited(128 + SIGTERM) || end == .exited(0), "seed \(seed): \(end), \(process.errors)")
        return answers
    }
}
