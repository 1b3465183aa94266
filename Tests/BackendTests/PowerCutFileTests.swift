import Foundation
import Host
import Options
import TestDisks
import Testing

@testable import Backend

/// `durability=power-cut-test` of a real file.
@Suite struct PowerCutFileTests {
    private func options(_ bench: Workbench, byteCount: UInt64 = 4 << 20) -> FileBackendOptions {
        var options = bench.options("x", byteCount: byteCount)
        options.durability = .powerCutTest
        return options
    }

    @Test(arguments: Workbench.places) func theFileHasWhatWasFlushed(place: String) throws {
        let bench = try Workbench(in: place)
        try bench.write([UInt8](repeating: 1, count: 4 << 20), to: "x")
        let backend = try FileBackend(options(bench))
        let test = try #require(backend.powerCutTest)
        #expect(backend.reachesFile && backend.options.isShared && backend.options.durability == .powerCutTest)
        try backend.mapping.storeByte(7, at: 5)
        try backend.mapping.storeByte(7, at: 3 << 20)
        #expect(try bench.content("x") == [UInt8](repeating: 1, count: 4 << 20) && test.unflushedPageCount == 2)
        try backend.synchronize()
        var expected = [UInt8](repeating: 1, count: 4 << 20)
        (expected[5], expected[3 << 20]) = (7, 7)
        #expect(try bench.content("x") == expected && test.unflushedPageCount == 0)
        try backend.mapping.storeByte(8, at: 5)
        try backend.mapping.storeByte(8, at: 1 << 20)
        #expect(try test.cut(PowerCut(mode: .drop, seed: 0)) == PowerCutOutcome(unflushed: 2))
        #expect(try bench.content("x") == expected)
    }

    /// The guest's view never changes by itself: not by a flush of other pages, not of the same ones.
    @Test func theMemoryShowsWhatWasStored() throws {
        let bench = try Workbench()
        let backend = try FileBackend(options(bench))
        for round in 1...3 as ClosedRange<UInt8> {
            for page in [0, 1, 100] { try backend.mapping.storeByte(round, at: page << 12) }
            try backend.synchronize()
            for page in [0, 1, 100] { #expect(try backend.mapping.loadByte(at: page << 12) == round) }
            #expect(try backend.mapping.loadByte(at: 2 << 12) == 0)
        }
    }

    /// With an offset, and a file that is longer: nothing outside is touched.
    @Test func onlyThePartThatTheMemoryShows() throws {
        let bench = try Workbench()
        try bench.write([UInt8](repeating: 1, count: 4 << 20), to: "x")
        var options = options(bench, byteCount: 1 << 20)
        options.offset = 2 << 20
        let backend = try FileBackend(options)
        try backend.mapping.storeByte(7, at: (1 << 20) - 1)
        try backend.mapping.storeByte(7, at: 0)
        try backend.synchronize()
        var expected = [UInt8](repeating: 1, count: 4 << 20)
        (expected[2 << 20], expected[(3 << 20) - 1]) = (7, 7)
        #expect(try bench.content("x") == expected)
    }

    @Test func preallocatedPagesAreNotStores() throws {
        let bench = try Workbench()
        var options = options(bench)
        options.memory.preallocates = true
        let backend = try FileBackend(options)
        #expect(backend.powerCutTest?.unflushedPageCount == 0)
        #expect((try FileManager.default.attributesOfItem(atPath: bench.file("x"))[.size] as? UInt64) == 4 << 20)
    }

    struct Refusal: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let change: @Sendable (inout FileBackendOptions, Workbench) -> Void
        let advice: String
    }

    @Test(arguments: [
        Refusal(
            testDescription: "share=off", change: { options, _ in options.isShared = false }, advice: "say share=on"),
        Refusal(
            testDescription: "readonly=on", change: { options, _ in options.opensReadOnly = true },
            advice: "leave readonly out"),
        Refusal(
            testDescription: "discard-data=on", change: { options, _ in options.discardsData = true },
            advice: "leave it out"),
        Refusal(
            testDescription: "directory", change: { options, bench in options.path = bench.path },
            advice: "give mem-path a file"),
    ]) func refused(_ refusal: Refusal) throws {
        let bench = try Workbench()
        var options = options(bench)
        refusal.change(&options, bench)
        let error = memoryBackendError { _ = try FileBackend(options) }
        let text = error.map { "\($0)" } ?? ""
        #expect(
            text.hasPrefix("durability=power-cut-test: not supported: ") && text.contains(refusal.advice), "\(text)")
        #expect(bench.names == [])
    }

    /// After a truncation the flush fails with an error; there is no SIGBUS, and the file is not extended again.
    @Test func aFileThatBecomesShorter() throws {
        let bench = try Workbench()
        let backend = try FileBackend(options(bench))
        try backend.mapping.storeByte(7, at: 3 << 20)
        try OwnedDescriptor(opening: bench.file("x"), access: .readWrite).resize(to: 1 << 20)
        #expect(throws: SystemCallError.self) { try backend.synchronize() }
        #expect(bench.byteCount("x") == 1 << 20 && backend.powerCutTest?.unflushedPageCount == 1)
    }

    /// The file takes no second writer: its lock is the one of any shared file.
    @Test func theFileIsLocked() throws {
        let bench = try Workbench()
        let first = try FileBackend(options(bench))
        let error = memoryBackendError { _ = try FileBackend(options(bench)) }
        #expect("\(String(describing: error))".contains("is in use"))
        withExtendedLifetime(first) {}
    }

    @Test(.disabled(if: TemporaryMount.ext4Problem != nil, "\(TemporaryMount.ext4Problem ?? "")"))
    func aFullDiskFailsTheFlushAndLosesNothing() throws {
        let mount = try TemporaryMount.ext4()
        var options = FileBackendOptions(id: "m", byteCount: 32 << 20, path: "\(mount.path)/x")
        (options.isShared, options.durability) = (true, .powerCutTest)
        let backend = try FileBackend(options)
        // Stores need no space of the disk yet.
        for page in 0..<5000 { try backend.mapping.storeByte(7, at: page << 12) }
        var reason: SystemCallError?
        do throws(SystemCallError) { try backend.synchronize() } catch { reason = error }
        #expect(reason?.errno == .noSpace && reason?.subject == options.path)
        #expect(backend.powerCutTest?.unflushedPageCount == 5000)
    }
}
