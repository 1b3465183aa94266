import Foundation
import Testing

/// A guest's stores into memory that it can only read never stop the machine, whatever the instruction is.
@Suite("Read-only memory", .enabled(if: Available.kvm, "\(Available.reason)"))
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
        let folder = try Scratch()
        let content = Data((0..<(2 << 20)).map { UInt8(truncatingIfNeeded: $0 % 251) })
        try content.write(to: URL(filePath: folder.file()))
        let machine = try BareMachine(
            "init", object: "share=on,readonly=on,mem-path=\(folder.file()),size=2M",
            arguments: ["-qmp", "unix:\(folder.file("qmp")),server=on,wait=off"])
        try machine.waitForLine("ok init")
        let line = try OperatorLine(folder.file("qmp"))
        let answer = try machine.ask(store.command)
        #expect(store.answers.contains { answer.hasPrefix($0) }, "\(answer)")
        let figures = try line.ask(#"{"execute":"x-needletail-query-pmem"}"#)
        if answer.hasPrefix("ok") {
            #expect(machine.messages.contains("nv1: a store into read-only memory at 0x1000"))
            #expect(!figures.contains(#""dropped-stores": 0"#))
        } else {
            #expect(machine.messages.contains("KVM could not carry out the instruction"))
        }
        #expect(figures.contains(#""readonly": true"#))
        // The guest goes on, and the bytes are what they were.
        #expect(try machine.ask("dump 0x10000000 8") == "ok dump bytes=0001020304050607")
        #expect(try machine.ask("flush").contains("ret=0"))
        _ = try line.ask(#"{"execute":"quit"}"#)
        #expect(try machine.end() == 0)
        #expect(try Data(contentsOf: URL(filePath: folder.file())) == content)
    }

    /// A guest that does nothing else fills no log.
    @Test func manyStoresFewLines() throws {
        let folder = try Scratch()
        try Data(count: 2 << 20).write(to: URL(filePath: folder.file()))
        let machine = try BareMachine("", object: "share=on,readonly=on,mem-path=\(folder.file()),size=2M")
        try machine.waitForLine("bare: ready")
        #expect(try machine.ask("touch 0x10000000 16K 1").hasPrefix("ok touch count=16384"))
        try machine.begin("power-off")
        #expect(try machine.end() == 0)
        // 1, 10, 100, 1000 and 10000.
        #expect(machine.messages.split(separator: "\n").count == 5)
    }

    /// rom=off: private memory over a file that is opened for reading only.
    @Test func privateMemoryOverAReadOnlyFile() throws {
        let folder = try Scratch()
        let content = Data(repeating: 0x11, count: 2 << 20)
        try content.write(to: URL(filePath: folder.file()))
        let machine = try BareMachine(
            "init", object: "share=off,readonly=on,rom=off,mem-path=\(folder.file()),size=2M")
        try machine.waitForLine("ok init")
        #expect(try machine.ask("poke 0x10000000 1 5") == "ok poke")
        #expect(try machine.ask("dump 0x10000000 2") == "ok dump bytes=0511")
        #expect(try machine.ask("flush").contains("ret=-1"))
        try machine.begin("power-off")
        #expect(try machine.end() == 0)
        #expect(try Data(contentsOf: URL(filePath: folder.file())) == content)
    }
}
