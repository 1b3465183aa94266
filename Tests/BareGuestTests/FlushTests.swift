import CLinux
import Foundation
import Testing

/// What a flush says, from a guest's request to the host's disk.
@Suite("Flushes", .enabled(if: Needletail.hasKVM, "\(Needletail.noKVM)"))
struct FlushTests {
    struct Claim: CustomTestStringConvertible, Sendable {
        let object: String
        let answer: String
        /// nil: the monitor has nothing to say.
        let message: String?
        var testDescription: String { object }
    }

    @Test(arguments: [
        Claim(object: "share=on", answer: "ret=0", message: nil),
        Claim(object: "share=on,discard-data=on", answer: "ret=0", message: nil),
        Claim(object: "share=off", answer: "ret=-1", message: "nothing that it writes reaches a file (share=off)"),
        Claim(object: "share=off,discard-data=on", answer: "ret=0", message: nil),
    ]) func ofAFile(_ claim: Claim) throws {
        let folder = try WorkFolder()
        let process = try Machine.start("init", object: "\(claim.object),mem-path=\(folder.file("disk.img")),size=2M")
        try process.waitForLine("ok init")
        for _ in 0..<3 { #expect(try process.ask("flush").contains(claim.answer)) }
        process.send("power-off\n")
        #expect(process.wait() == .exited(0))
        let lines = process.errors.split(separator: "\n")
        #expect(lines.count == (claim.message == nil ? 0 : 1), "\(process.errors)")
        if let message = claim.message { #expect(process.errors.contains(message)) }
    }

    /// Powered off with requests outstanding: nothing hangs, and what was stored is in the file.
    @Test func poweringOffWithFlushesInFlight() throws {
        let folder = try WorkFolder()
        let process = try Machine.start(
            "init; poke 0x10000000 1 7; submit 8; power-off",
            object: "share=on,mem-path=\(folder.file("disk.img")),size=2M")
        #expect(process.wait() == .exited(0))
        #expect(try Data(contentsOf: URL(filePath: folder.file("disk.img"))).first == 7)
    }

    /// 5 per second and one at once: 6 flushes take a second, until the limit is lifted.
    @Test func limited() throws {
        let folder = try WorkFolder()
        let process = try Machine.start(
            "init", object: "share=on,mem-path=\(folder.file("disk.img")),size=2M",
            device: ",x-needletail-flush-rate=5,x-needletail-flush-burst=1",
            arguments: OperatorLine.options(in: folder))
        try process.waitForLine("ok init")
        let line = try OperatorLine(in: folder)
        let begin = Date()
        for _ in 0..<6 { #expect(try process.ask("flush").contains("ret=0")) }
        #expect(Date().timeIntervalSince(begin) >= 1)
        let figures = try line.ask(#"{"execute":"x-needletail-query-pmem"}"#)
        #expect(figures.contains(#""flush-rate": 5"#) && figures.contains(#""flush-burst": 1"#))
        #expect(figures.contains(#""flushes-completed": 6"#) && figures.contains(#""sync-latency-ns": {"count": 6"#))
        let answer = try line.ask(#"{"execute":"x-needletail-set-flush-limit","arguments":{"id":"nv1","rate":0}}"#)
        #expect(answer == "{\"return\": {}}")
        let lifted = Date()
        for _ in 0..<10 { #expect(try process.ask("flush").contains("ret=0")) }
        #expect(Date().timeIntervalSince(lifted) < 1.5)
        _ = try line.ask(#"{"execute":"quit"}"#)
        #expect(process.wait() == .exited(0))
    }

    struct Load: CustomTestStringConvertible, Sendable {
        let outstanding: Int
        /// Whether the driver rings once for all of them, or for each.
        let kicks: String
        /// The most that each round may cost.
        let syncLimit: Int
        var testDescription: String { "\(outstanding) outstanding, kicks=\(kicks)" }
    }

    /// What requests that are outstanding at once cost the host, by the monitor's own figures. A driver that rings for
    /// each may find the device at work with the first of them already.
    @Test(arguments: [
        Load(outstanding: 1, kicks: "one", syncLimit: 1), Load(outstanding: 8, kicks: "one", syncLimit: 2),
        Load(outstanding: 64, kicks: "one", syncLimit: 2), Load(outstanding: 64, kicks: "each", syncLimit: 64),
    ]) func syncsPerRequest(_ load: Load) throws {
        let folder = try WorkFolder()
        let process = try Machine.start(
            "init", object: "share=on,mem-path=\(folder.file("disk.img")),size=2M",
            arguments: OperatorLine.options(in: folder))
        try process.waitForLine("ok init")
        let line = try OperatorLine(in: folder)
        let rounds = 10
        for round in 0..<rounds {
            #expect(try process.ask("poke 0x10000000 1 \(round)") == "ok poke")
            let answer = try process.ask("flush \(load.outstanding) kicks=\(load.kicks)")
            #expect(answer.contains("done=\(load.outstanding) ") && answer.contains("ret=0"))
        }
        let figures = try line.ask(#"{"execute":"x-needletail-query-pmem"}"#)
        let requests = rounds * load.outstanding
        #expect(figure("flushes-completed", in: figures) == UInt64(requests))
        let syncs = try #require(figure(#"sync-latency-ns": {"count"#, in: figures))
        #expect(figure("batches", in: figures) == syncs)
        #expect(syncs >= UInt64(rounds) && syncs <= UInt64(rounds * load.syncLimit))
        let ratio = String(format: "%.4f", Double(syncs) / Double(requests))
        print("syncs per request, \(load): \(ratio) (\(syncs) for \(requests))")
        _ = try line.ask(#"{"execute":"quit"}"#)
        #expect(process.wait() == .exited(0))
    }

    /// Whether the kernel tells how much of a file is dirty (Linux 6.5); without it the monitor leaves that figure out.
    private static let hasCachestat: Bool = {
        var (range, counts) = (nt_cachestat_range(), nt_cachestat_counts())
        // Of a descriptor that is not open: EBADF from a kernel that knows the call, ENOSYS from one that does not.
        return unsafe nt_cachestat(-1, &range, &counts) == 0 || errno != ENOSYS
    }()

    @Test func figuresOfThePageCache() throws {
        let folder = try WorkFolder()
        let process = try Machine.start(
            "init", object: "share=on,mem-path=\(folder.file("disk.img")),size=4M",
            arguments: OperatorLine.options(in: folder))
        try process.waitForLine("ok init")
        let line = try OperatorLine(in: folder)
        #expect(try process.ask("touch 0x10000000 2M").hasPrefix("ok touch"))
        let before = try line.ask(#"{"execute":"x-needletail-query-pmem"}"#)
        let resident = try #require(figure("page-cache-resident", in: before))
        #expect(resident >= 2 << 20)
        #expect(try process.ask("flush").contains("ret=0"))
        let after = try line.ask(#"{"execute":"x-needletail-query-pmem"}"#)
        #expect(figure("page-cache-dirty", in: before).map { $0 >= 2 << 20 } == (Self.hasCachestat ? true : nil))
        #expect(figure("page-cache-dirty", in: after) == (Self.hasCachestat ? 0 : nil))
        let text = try line.ask(#"{"execute":"human-monitor-command","arguments":{"command-line":"info pmem"}}"#)
        #expect(text.contains("page cache: ") && text.contains("batches: 1, largest 1"))
        _ = try line.ask(#"{"execute":"quit"}"#)
        #expect(process.wait() == .exited(0))
    }

    private func figure(_ name: String, in answer: String) -> UInt64? {
        guard let place = answer.range(of: "\"\(name)\": ") else { return nil }
        return UInt64(answer[place.upperBound...].prefix { $0.isNumber })
    }
}
