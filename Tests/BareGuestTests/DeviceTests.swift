import Testing

/// Two devices and their `addr=`, and what the message holds.
struct SlotConflict: Sendable {
    let first: String
    let second: String
    let message: [String]
}

@Suite("Several devices", .enabled(if: Needletail.hasKVM, "\(Needletail.noKVM)"))
struct DeviceTests {
    private func machine(_ count: Int) throws -> Machine {
        var machine = try Machine()
        for number in 0..<count {
            machine.addDevice("d\(number).img", size: "2M", address: Machine.memory + UInt64(number) << 21)
        }
        return machine
    }

    @Test("each has its own file", arguments: [2, 28, 31]) func manyDevices(_ count: Int) throws {
        let machine = try machine(count)
        let process = try machine.start(input: .pipe)
        var commands = "scan\n"
        for number in 0..<count {
            let address = Machine.memory + UInt64(number) << 21
            commands += "use \(number)\ninit\nconfig\nwrite \(address) number \(number)\nflush\n"
        }
        process.send(commands + "power-off\n")
        #expect(process.wait(seconds: 60) == .exited(0))
        let transcript = Transcript(process.output)
        #expect(transcript.isGood, "\(transcript)")
        #expect(transcript.replies(to: "scan").first?["count"] == "\(count)")
        #expect(transcript.replies(to: "flush").count == count)
        #expect(transcript.replies(to: "flush").allSatisfy { $0["ret"] == "0" })
        let starts = transcript.replies(to: "config").compactMap { $0["start"] }
        #expect(Set(starts).count == count)
        for number in 0..<count {
            let text = "number \(number)"
            #expect(try machine.folder.text(of: "d\(number).img", at: 0, count: text.utf8.count) == text)
        }
    }

    @Test("one more than there are slots") func tooMany() throws {
        let process = try machine(32).start("power-off")
        #expect(process.wait() == .exited(1))
        #expect(process.errors.contains("slot"), "\(process.errors)")
    }

    @Test(arguments: [
        SlotConflict(first: ",addr=5", second: ",addr=5", message: ["addr=5", "nv-a"]),
        SlotConflict(first: "", second: ",addr=0", message: ["addr=0"]),
        SlotConflict(first: "", second: ",addr=32", message: ["32"]),
        SlotConflict(first: "", second: ",addr=3.1", message: ["3.1"]),
    ])
    func slotConflicts(_ test: SlotConflict) throws {
        var machine = try Machine()
        machine.addDevice("a.img", size: "2M", more: test.first)
        machine.addDevice("b.img", size: "2M", more: test.second)
        let process = try machine.start("power-off")
        #expect(process.wait() == .exited(1))
        for part in test.message { #expect(process.errors.contains(part), "\(process.errors)") }
        #expect(!machine.folder.exists("a.img"), "nothing was made")
    }

    @Test("the slot that addr= asks for") func chosenSlots() throws {
        var machine = try Machine()
        machine.addDevice("a.img", size: "2M")
        machine.addDevice("b.img", size: "2M", more: ",addr=1")
        machine.addDevice("c.img", size: "2M", more: ",addr=0x1f.0")
        let transcript = try machine.run("scan")
        let functions = transcript.items(of: "scan").compactMap { $0["function"] }
        #expect(Set(functions) == ["00:01.0", "00:02.0", "00:1f.0"], "\(transcript)")
    }

    /// Once there is a second thread, the table of descriptors doubles slowly: 28 devices took five times as long to
    /// start.
    @Test("there is room for the descriptors of many devices before the first thread") func roomForDescriptors() throws
    {
        let process = try Machine.withDevice().start("echo there")
        #expect(process.hasSaid("ok echo there"))
        let lines = textOfFile("/proc/\(process.identifier)/status").split(separator: "\n")
        let size = lines.first { $0.hasPrefix("FDSize:") }?.split(separator: "\t").last.flatMap { Int($0) }
        #expect(try #require(size) >= 512)
    }
}
