import Foundation
import Testing

@Suite(
    "The same script under QEMU", .enabled(if: Needletail.hasKVM, "\(Needletail.noKVM)"),
    .enabled(if: Needletail.hasQEMU, "\(Needletail.noQEMU)"))
struct OracleTests {
    /// Left out, because QEMU differs: many requests with one doorbell (QEMU takes one request per doorbell), and queue
    /// sizes that the device does not have (QEMU takes any).
    @Test("the transcripts are equal", arguments: ["q35"]) func sameTranscript(_ machineType: String) throws {
        let machine = try Machine.withDevice()
        let script = try machine.folder.write(Array(Self.script.utf8), to: "script")
        let transcript = try machine.run(Self.script.replacingOccurrences(of: "\n", with: ";"))
        #expect(transcript.end == .exited(0), "\(transcript)")
        let ours = try machine.folder.write(Array(Self.comparable(transcript.text).utf8), to: "ours")
        let oracle = try HostProcess(
            [
                Needletail.repository.appending(path: "Tests/BareGuest/compare-qemu").path, "--machine", machineType,
                script,
            ], in: machine.folder)
        #expect(oracle.wait(seconds: 60) == .exited(0), "\(oracle.errors)")
        let theirs = try machine.folder.write(Array(Self.comparable(oracle.output).utf8), to: "theirs")
        let difference = try HostProcess(["diff", "-u", theirs, ours], in: machine.folder)
        #expect(difference.wait() == .exited(0), "\(difference.output)")
    }

    private static let script = """
        timeout 30000
        scan
        features
        config
        init
        flush
        flush 4 kicks=each
        init indirect=1
        flush 3 kicks=each
        flush-each 5
        init event=1
        flush 3 kicks=each
        init indirect=1 event=1 size=16
        flush 16 kicks=each
        flush 17
        init size=2
        flush
        flush 2
        init
        poke 0x218000 4 0
        poke 0x218100 4 -1
        desc 0 0x218000 4 1 1
        desc 1 0x218100 4 2 0
        avail 0
        kick
        used 1
        peek 0x218100
        init
        flush
        reset
        status
        flush
        """

    /// What is left after what may differ is taken out: times, places, and what another monitor offers beyond ours.
    private static func comparable(_ text: String) -> String {
        let differing = [
            "cycles", "interrupts", "start", "order", "ids", "function", "offered", "index", "msix", "min-cycles",
        ]
        let lines = text.split(whereSeparator: \.isNewline).drop { !$0.contains("bare: ready") }
        return lines.filter { !$0.contains("ok timeout") }.map { line in
            line.split(separator: " ").filter { word in
                !differing.contains { word.hasPrefix("\($0)=") }
            }.joined(separator: " ").replacingOccurrences(of: "bare: ready", with: "")
        }.joined(separator: "\n") + "\n"
    }
}
