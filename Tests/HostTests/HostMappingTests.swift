import CLinux
import Synchronization
import SystemPackage
import Testing

@testable import Host

/// A file without a name, in memory.
private func memoryFile(byteCount: UInt64, sealed: Bool = false) throws -> OwnedDescriptor {
    let file = try OwnedDescriptor(memoryFileNamed: "test", allowsSealing: true)
    try file.resize(to: byteCount)
    if sealed { try file.sealSize() }
    return file
}

extension HostMapping {
    fileprivate func store(_ bytes: [UInt8], at offset: Int) throws {
        try unsafe bytes.withUnsafeBytes { try unsafe copy($0, to: offset) }
    }

    fileprivate func load(_ count: Int, at offset: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0xEE, count: count)
        try unsafe bytes.withUnsafeMutableBytes { try unsafe copy(from: offset, into: $0) }
        return bytes
    }
}

@Suite struct HostMappingTests {
    /// One thread stores two values by turns, as a device its used index; this one must never see the half of each.
    @Test("a ring store into memory that may fault is one access", .timeLimit(.minutes(1)))
    func ringStoresAreNotTorn() throws {
        let file = try OwnedDescriptor(memoryFileNamed: "ring", allowsSealing: false)
        try file.resize(to: 4096)
        let source = HostMapping.Source.file(file.rawValue, offset: 0, shared: true, reserve: true)
        let (writer, reader) = (
            try HostMapping(source, byteCount: 4096), try HostMapping(source, byteCount: 4096, isSealed: true)
        )
        let isDone = Atomic(false)
        let thread = try HostThread(name: "writer") {
            for round in 0..<1_000_000 { try? writer.storeRelease(round & 1 == 0 ? 0x00FF : 0x0100, at: 64) }
            isDone.store(true, ordering: .releasing)
        }
        var torn = 0
        while !isDone.load(ordering: .acquiring) {
            if ![0, 0x00FF, 0x0100].contains(try reader.loadAcquire(at: 64)) { torn += 1 }
        }
        thread.join()
        #expect(torn == 0)
    }

    @Test("a ring access to a page that has gone is an error, on any thread")
    func ringAccessesWithoutAPage() throws {
        let file = try OwnedDescriptor(memoryFileNamed: "ring", allowsSealing: false)
        try file.resize(to: 8192)
        let mapping = try HostMapping(
            .file(file.rawValue, offset: 0, shared: true, reserve: true), byteCount: 8192)
        try mapping.storeRelease(0x1234, at: 4096)
        #expect(try mapping.loadAcquire(at: 4096) == 0x1234)
        try file.resize(to: 4096)
        let failures = Atomic(0)
        let thread = try HostThread(name: "ring") {
            for _ in 0..<3 {
                do throws(HostMapping.Fault) { _ = try mapping.loadAcquire(at: 4096) } catch {
                    failures.add(1, ordering: .relaxed)
                }
                do throws(HostMapping.Fault) { try mapping.storeRelease(1, at: 4098) } catch {
                    failures.add(1, ordering: .relaxed)
                }
            }
        }
        thread.join()
        #expect(failures.load(ordering: .relaxed) == 6)
        try mapping.storeRelease(7, at: 0)
        #expect(try mapping.loadAcquire(at: 0) == 7)
    }

    struct Placement: CustomTestStringConvertible, Sendable {
        let byteCount: Int
        let alignment: Int
        var testDescription: String { "\(byteCount) bytes at multiples of \(alignment)" }
    }

    @Test(
        "the address is a multiple of the alignment",
        arguments: [
            Placement(byteCount: 1, alignment: 1), Placement(byteCount: 4096, alignment: 4096),
            Placement(byteCount: 4097, alignment: 2 << 20), Placement(byteCount: (2 << 20) - 1, alignment: 2 << 20),
            Placement(byteCount: 16 << 20, alignment: 2 << 20), Placement(byteCount: 1 << 30, alignment: 1 << 30),
            Placement(byteCount: 3 << 30, alignment: 1 << 30), Placement(byteCount: 1 << 40, alignment: 1 << 30),
        ], [false, true])
    func placement(_ row: Placement, _ isFile: Bool) throws {
        let file = try memoryFile(byteCount: UInt64(row.byteCount))
        let source =
            isFile
            ? HostMapping.Source.file(file.rawValue, offset: 0, shared: true, reserve: false)
            : .anonymous(reserve: false)
        let mapping = try HostMapping(source, byteCount: row.byteCount, alignment: row.alignment)
        #expect(mapping.hostAddress % UInt64(row.alignment) == 0)
        try mapping.store([1], at: row.byteCount - 1)
        #expect(try mapping.load(1, at: row.byteCount - 1) == [1])
    }

    @Test("placing leaves no address space behind")
    func addressSpace() throws {
        func virtual() -> Int {
            Int(textOfSmallFile("/proc/self/statm")?.split(separator: " ").first ?? "") ?? 0
        }
        let before = virtual()
        for _ in 0..<200 { _ = try HostMapping(.anonymous(reserve: false), byteCount: 5000, alignment: 1 << 30) }
        #expect(virtual() - before < (4 << 30) / 4096)
    }

    @Test(
        "what cannot be mapped",
        arguments: [
            (0, 4096, Errno.invalidArgument), (-1, 4096, .invalidArgument), (4096, 0, .invalidArgument),
            (4096, -4096, .invalidArgument), (4096, 12288, .invalidArgument), (.max, 4096, .noMemory),
            (1 << 62, 1 << 62, .noMemory), (4096, 1 << 62, .noMemory),
        ])
    func refused(_ byteCount: Int, _ alignment: Int, _ reason: Errno) {
        let error = #expect(throws: SystemCallError.self) {
            _ = try HostMapping(.anonymous(reserve: false), byteCount: byteCount, alignment: alignment)
        }
        #expect(error?.errno == reason)
    }

    @Test("a descriptor that is no file is refused")
    func noFile() throws {
        let event = try EventFD()
        #expect(throws: SystemCallError(call: "mmap", errno: Errno(rawValue: ENODEV))) {
            _ = try HostMapping(.file(event.rawDescriptor, offset: 0, shared: true, reserve: true), byteCount: 4096)
        }
    }

    @Test(
        "copies outside the bounds fail and touch nothing",
        arguments: [
            (-1, 1), (8192, 1), (8191, 2), (0, 8193), (.max, 1), (.min, 1), (4096, 4097),
        ], [true, false])
    func bounds(_ range: (offset: Int, count: Int), _ isFile: Bool) throws {
        let (offset, count) = range
        let file = try memoryFile(byteCount: 16384)
        let mapping = try HostMapping(
            isFile ? .file(file.rawValue, offset: 0, shared: true, reserve: true) : .anonymous(reserve: true),
            byteCount: 8192)
        #expect(throws: HostMapping.Fault(offset: offset)) { try mapping.load(count, at: offset) }
        #expect(throws: HostMapping.Fault(offset: offset)) {
            try mapping.store([UInt8](repeating: 1, count: count), at: offset)
        }
        #expect(try mapping.load(8192, at: 0) == [UInt8](repeating: 0, count: 8192))
        #expect(try mapping.load(0, at: 8192).isEmpty)
    }

    @Test("a file made shorter is a fault at the first missing byte")
    func truncated() throws {
        let file = try memoryFile(byteCount: 16384)
        let mapping = try HostMapping(.file(file.rawValue, offset: 0, shared: true, reserve: true), byteCount: 16384)
        try mapping.store([7], at: 4095)
        try file.resize(to: 4096)
        #expect(throws: HostMapping.Fault(offset: 4096)) { try mapping.load(100, at: 4090) }
        #expect(throws: HostMapping.Fault(offset: 4096)) { try mapping.store([1], at: 4096) }
        #expect(throws: HostMapping.Fault(offset: 8192)) { _ = try mapping.loadAcquire(at: 8192) }
        #expect(throws: HostMapping.Fault(offset: 8192)) { try mapping.storeRelease(1, at: 8192) }
        #expect(throws: SystemCallError(call: "madvise(populate)", errno: .badAddress)) { try mapping.populate() }
        #expect(try mapping.load(1, at: 4095) == [7])
    }

    @Test("a store into a read-only mapping fails", arguments: [true, false])
    func readOnly(_ isFile: Bool) throws {
        let file = try memoryFile(byteCount: 4096)
        let source =
            isFile
            ? HostMapping.Source.file(file.rawValue, offset: 0, shared: true, reserve: true) : .anonymous(reserve: true)
        let mapping = try HostMapping(source, byteCount: 4096, readOnly: true)
        #expect(throws: HostMapping.Fault(offset: 8)) { try mapping.store([1], at: 8) }
        #expect(throws: HostMapping.Fault(offset: 8)) { try mapping.storeRelease(1, at: 8) }
        try mapping.populate()
        #expect(try mapping.load(16, at: 0) == [UInt8](repeating: 0, count: 16))
    }

    @Test("shared stores reach the file, private ones do not", arguments: [true, false])
    func sharing(_ shared: Bool) throws {
        let file = try memoryFile(byteCount: 8192)
        let mapping = try HostMapping(
            .file(file.rawValue, offset: 4096, shared: shared, reserve: true), byteCount: 4096)
        let whole = try HostMapping(
            .file(file.rawValue, offset: 0, shared: true, reserve: true), byteCount: 8192, readOnly: true)
        try mapping.store([9], at: 1)
        #expect(try whole.load(1, at: 4097) == [shared ? 9 : 0])
    }

    @Test("ring words of every kind of memory", arguments: [0, 1, 2])
    func ringWords(_ kind: Int) throws {
        let file = try memoryFile(byteCount: 4096, sealed: kind == 2)
        let source =
            kind == 0
            ? HostMapping.Source.anonymous(reserve: true) : .file(file.rawValue, offset: 0, shared: true, reserve: true)
        let mapping = try HostMapping(source, byteCount: 4096, isSealed: kind == 2)
        try mapping.storeRelease(0xA55A, at: 4094)
        #expect(try mapping.loadAcquire(at: 4094) == 0xA55A)
        #expect(try mapping.load(2, at: 4094) == [0x5A, 0xA5])
        #expect(throws: HostMapping.Fault(offset: 4095)) { _ = try mapping.loadAcquire(at: 4095) }
        #expect(throws: HostMapping.Fault(offset: 4095)) { try mapping.storeRelease(1, at: 4095) }
    }

    @Test("a sealed file keeps its size")
    func sealed() throws {
        let file = try memoryFile(byteCount: 4096, sealed: true)
        for byteCount in [0, 8192] as [UInt64] {
            let error = #expect(throws: SystemCallError.self) { try file.resize(to: byteCount) }
            #expect(error?.errno == .notPermitted)
        }
    }

    @Test("populate makes every page present, discard gives them back")
    func populate() throws {
        let file = try memoryFile(byteCount: 1 << 20)
        let mapping = try HostMapping(.file(file.rawValue, offset: 0, shared: true, reserve: true), byteCount: 1 << 20)
        #expect(try blocks(of: file) == 0)
        try mapping.populate()
        #expect(try blocks(of: file) == 2048)
        try mapping.discard(freeingBlocks: true)
        #expect(try blocks(of: file) == 0)
        try mapping.allowMerging()
        try mapping.excludeFromDump()
    }

    private func blocks(of file: borrowing OwnedDescriptor) throws -> Int {
        var information = stat()
        let number = file.rawValue
        try systemCall("fstat") { unsafe fstat(number, &information) }
        return Int(information.st_blocks)
    }
}
