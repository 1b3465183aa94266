import Foundation
import Testing

/// A guest's stores into memory that it can only read never stop the machine, whatever the instruction is.
@Suite("Read-only memory", .enabled(if: Needletail.hasKVM, "\(Needletail.noKVM)"))
struct ReadOnlyTests {
    struct Store: CustomTestStringConvertible, Sendable {
        let command: String
        /// How its answer may begin, in order of preference.
        let answers: [String]
        var testDescription: String { command }
    }

    @Test(arguments: [
        Store(command: "poke 0x10000000 1 5", answers: ["ok"]), Store(command: "poke 0x10000004 4 5", answers: ["ok"]),
        Store(command: "fill 0x10000000 8192 0x33", answers: ["ok"]),
        // From RAM into read-only memory, across the border.
        Store(command: "fill 0x10000ffc 16 0x33", answers: ["ok"]),
        Store(command: "write 0x10000001 some words", answers: ["ok"]),
        // Processors that virtualize exit for it, and KVM may know the instruction or not.
        Store(command: "vector-store 0x10000000 sse", answers: ["ok", "error vector-store exception vector=6"]),
        Store(command: "vector-store 0x10000000 avx", answers: ["ok", "error vector-store exception vector=6"]),
    ]) func isDropped(_ store: Store) throws {
        let folder = try WorkFolder()
        let content = Data((0..<(2 << 20)).map { UInt8(truncatingIfNeeded: $0 % 251) })
        try content.write(to: URL(filePath: folder.file("disk.img")))
        let process = try Machine.start(
            "init", object: "share=on,readonly=on,mem-path=\(folder.file("disk.img")),size=2M",
            arguments: OperatorLine.options(in: folder))
        try process.waitForLine("ok init")
        let line = try OperatorLine(in: folder)
        let answer = try process.ask(store.command)
        #expect(store.answers.contains { answer.hasPrefix($0) }, "\(answer)")
        let figures = try line.ask(#"{"execute":"x-needletail-query-pmem"}"#)
        if answer.hasPrefix("ok") {
            #expect(process.errors.contains("nv1: a store into read-only memory at 0x1000"))
            #expect(!figures.contains(#""dropped-stores": 0"#))
        } else {
            #expect(process.errors.contains("KVM could not carry out the instruction"))
        }
        #expect(figures.contains(#""readonly": true"#))
        // The guest goes on, and the bytes are what they were.
        #expect(try process.ask("dump 0x10000000 8") == "ok dump bytes=0001020304050607")
        #expect(try process.ask("flush").contains("ret=0"))
        _ = try line.ask(#"{"execute":"quit"}"#)
        #expect(process.wait() == .exited(0))
        #expect(try Data(contentsOf: URL(filePath: folder.file("disk.img"))) == content)
    }

    /// A guest that does nothing else fills no log.
    @Test func manyStoresFewLines() throws {
        let folder = try WorkFolder()
        try Data(count: 2 << 20).write(to: URL(filePath: folder.file("disk.img")))
        let process = try Machine.start("", object: "share=on,readonly=on,mem-path=\(folder.file("disk.img")),size=2M")
        try process.waitForLine("bare: ready")
        #expect(try process.ask("touch 0x10000000 16K 1").hasPrefix("ok touch count=16384"))
        process.send("power-off\n")
        #expect(process.wait() == .exited(0))
        // 1, 10, 100, 1000 and 10000.
        #expect(process.errors.split(separator: "\n").count == 5)
    }

    /// rom=off: private memory over a file that is opened for reading only.
    @Test func privateMemoryOverAReadOnlyFile() throws {
        let folder = try WorkFolder()
        let content = Data(repeating: 0x11, count: 2 << 20)
        try content.write(to: URL(filePath: folder.file("disk.img")))
        let process = try Machine.start(
            "init", object: "share=off,readonly=on,rom=off,mem-path=\(folder.file("disk.img")),size=2M")
        try process.waitForLine("ok init")
        #expect(try process.ask("poke 0x10000000 1 5") == "ok poke")
        #expect(try process.ask("dump 0x10000000 2") == "ok dump bytes=0511")
        #expect(try process.ask("flush").contains("ret=-1"))
        process.send("power-off\n")
        #expect(process.wait() == .exited(0))
        #expect(try Data(contentsOf: URL(filePath: folder.file("disk.img"))) == content)
    }
}
