import Foundation
import Host
import Options
import Testing

@testable import Backend

/// What becomes of the bytes in the file.
@Suite struct ContentTests {
    private static let size = 4 << 20
    private static let pattern = (0..<(6 << 20)).map { UInt8(truncatingIfNeeded: ($0 >> 20) * 77 + ($0 >> 12) + $0) }

    private func bench(in place: String) throws -> Workbench {
        let bench = try Workbench(in: place)
        try bench.write(Self.pattern, to: "x")
        return bench
    }

    @Test("shared stores reach the file, and nothing else in it changes", arguments: Workbench.places)
    func shared(_ place: String) throws {
        let bench = try bench(in: place)
        let backend = try FileBackend(bench.options("x"))
        #expect(backend.reachesFile)
        #expect(try backend.mapping.loadByte(at: 70000) == Self.pattern[70000])
        try backend.mapping.storeByte(0xA5, at: Self.size - 1)
        try backend.synchronize()
        var expected = Self.pattern
        expected[Self.size - 1] = 0xA5
        #expect(try bench.content("x") == expected)
    }

    @Test("private stores do not", arguments: Workbench.places)
    func privateMemory(_ place: String) throws {
        let bench = try bench(in: place)
        var options = bench.options("x")
        options.isShared = false
        options.memory.preallocates = true
        let backend = try FileBackend(options)
        #expect(!backend.reachesFile)
        try backend.mapping.storeByte(Self.pattern[5] &+ 1, at: 5)
        #expect(try backend.mapping.loadByte(at: 5) == Self.pattern[5] &+ 1)
        try backend.synchronize()
        #expect(try bench.content("x") == Self.pattern)
    }

    @Test("an offset shows the file from there on", arguments: Workbench.places)
    func offset(_ place: String) throws {
        let bench = try bench(in: place)
        var options = bench.options("x", byteCount: 2 << 20)
        options.offset = 1 << 20
        let backend = try FileBackend(options)
        #expect(try backend.mapping.loadByte(at: 8200) == Self.pattern[(1 << 20) + 8200])
    }

    @Test("an offset in a new file is part of its size")
    func offsetInNewFile() throws {
        let bench = try Workbench()
        var options = bench.options("x")
        options.offset = 8192
        _ = try FileBackend(options)
        #expect(bench.byteCount("x") == (4 << 20) + 8192)
    }

    @Test(
        "offsets that are refused",
        arguments: [
            (4095, "offset 0xfff must be multiples"),
            (4 << 20, "is too small for 'size' option 0x400000 plus 'offset' option 0x400000"),
            (8 << 20, "is too small"), (UInt64.max & ~4095, "larger than any file"),
        ] as [(UInt64, String)])
    func wrongOffset(_ offset: UInt64, _ text: String) throws {
        let bench = try bench(in: "/var/tmp")
        var options = bench.options("x")
        options.offset = offset
        let error = memoryBackendError { _ = try FileBackend(options) }
        #expect(try #require(error).description.contains(text))
        #expect(try bench.content("x") == Self.pattern)
    }

    @Test("discard-data empties the part that was mapped, at the end", arguments: Workbench.places)
    func discard(_ place: String) throws {
        let bench = try bench(in: place)
        var options = bench.options("x")
        options.discardsData = true
        var backend: FileBackend? = try FileBackend(options)
        #expect(try bench.content("x") == Self.pattern)
        #expect(backend?.options.discardsData == true)
        backend = nil
        #expect(try bench.content("x") == [UInt8](repeating: 0, count: Self.size) + Self.pattern[Self.size...])
    }

    @Test("discard-data leaves a file alone that stores do not reach", arguments: [true, false])
    func discardPrivate(_ readOnly: Bool) throws {
        let bench = try bench(in: "/var/tmp")
        var options = bench.options("x")
        (options.isShared, options.opensReadOnly, options.discardsData) = (readOnly, readOnly, true)
        try FileBackend(options).discardIfAsked()
        #expect(try bench.content("x") == Self.pattern)
    }

    @Test("a file that shrinks under the memory is an error, no signal, and can be told", arguments: Workbench.places)
    func shrinks(_ place: String) throws {
        let bench = try bench(in: place)
        let backend = try FileBackend(bench.options("x"))
        #expect(backend.currentFileByteCount() == 6 << 20)
        try OwnedDescriptor(opening: bench.file("x"), access: .readWrite).resize(to: 8192)
        #expect(backend.currentFileByteCount() == 8192)
        #expect(throws: HostMapping.Fault(offset: 8192)) { try backend.mapping.loadByte(at: 8192) }
        #expect(throws: HostMapping.Fault(offset: 8192)) { try backend.mapping.storeByte(1, at: 8192) }
        #expect(try backend.mapping.loadByte(at: 8191) == Self.pattern[8191])
    }

    struct Reading: CustomTestStringConvertible, Sendable {
        let share: Bool
        let rom: AutomaticSwitch
        let isROM: Bool
        var testDescription: String { "share=\(share) rom=\(rom.rawValue)" }
    }

    @Test(
        "readonly=on keeps the file as it is whatever the memory allows",
        arguments: [
            Reading(share: true, rom: .automatic, isROM: true), Reading(share: true, rom: .on, isROM: true),
            Reading(share: false, rom: .automatic, isROM: true), Reading(share: false, rom: .on, isROM: true),
            Reading(share: false, rom: .off, isROM: false),
        ])
    func readOnly(_ row: Reading) throws {
        let bench = try bench(in: "/var/tmp")
        var options = bench.options("x")
        (options.isShared, options.opensReadOnly, options.rom) = (row.share, true, row.rom)
        let backend = try FileBackend(options)
        #expect(backend.mapping.isReadOnly == row.isROM)
        #expect(backend.options.isROM == row.isROM)
        #expect(!backend.reachesFile)
        #expect((try? backend.mapping.storeByte(1, at: 0)) == nil ? row.isROM : !row.isROM)
        #expect(try bench.content("x") == Self.pattern)
    }

    @Test(
        "combinations of readonly, share and rom that are refused",
        arguments: [
            (false, true, AutomaticSwitch.on, MemoryBackendError.romOverWritableFile),
            (false, false, .on, .romOverWritableFile), (true, true, .off, .writableMemoryOverSharedReadOnlyFile),
        ])
    func refused(_ readOnly: Bool, _ share: Bool, _ rom: AutomaticSwitch, _ expected: MemoryBackendError) throws {
        let bench = try Workbench()
        var options = bench.options("x")
        (options.isShared, options.opensReadOnly, options.rom) = (share, readOnly, rom)
        #expect(memoryBackendError { _ = try FileBackend(options) } == expected)
        #expect(bench.names.isEmpty)
    }
}
