import Foundation
import Glibc
import Testing

@Suite("The serial port", .enabled(if: Needletail.hasKVM, "\(Needletail.noKVM)"))
struct SerialTests {
    @Test("input at end of file ends nothing") func endOfInput() throws {
        let process = try Machine.withDevice().start("echo before;delay 50;echo after;power-off", input: .nothing)
        #expect(process.wait() == .exited(0))
        #expect(process.output.contains("ok echo after"))
    }

    @Test("input that ends later does not end the guest either") func inputThatEnds() throws {
        let process = try Machine.withDevice().start(input: .pipe)
        process.send("echo typed\ndelay 100\necho after\npower-off\n")
        process.closeInput()
        #expect(process.wait() == .exited(0))
        #expect(process.output.contains("ok echo typed") && process.output.contains("ok echo after"))
    }

    @Test("64 KiB that are pasted arrive whole and in order") func largeInput() throws {
        let machine = try Machine.withDevice()
        let process = try machine.start(input: .pipe)
        let lineByteCount = 2048
        var pasted: [UInt8] = []
        var random = SystemRandomNumberGenerator()
        for line in 0..<32 {
            let text = (0..<lineByteCount).map { _ in
                UInt8.random(in: UInt8(ascii: "A")...UInt8(ascii: "z"), using: &random)
            }
            pasted += text
            let address = Machine.memory + UInt64(line * lineByteCount)
            process.send("write \(address) \(String(decoding: text, as: UTF8.self))\n")
        }
        process.send("power-off\n")
        #expect(process.wait(seconds: 60) == .exited(0), "\(process.output.suffix(300))")
        let transcript = Transcript(process.output)
        #expect(transcript.replies(to: "write").count == 32 && transcript.isGood, "\(transcript.text.suffix(300))")
        #expect(try machine.folder.bytes(of: "pmem.img", at: 0, count: pasted.count) == pasted)
    }

    @Test("to a file, which is emptied first") func toFile() throws {
        var machine = try Machine.withDevice()
        let path = try machine.folder.write(
            Array("old content that is longer than the new one will be".utf8), to: "log")
        machine.serial = ["-display", "none", "-serial", "file:\(path)"]
        let process = try machine.start("echo into the file;power-off")
        #expect(process.wait() == .exited(0))
        #expect(process.output == "")
        let text = textOfFile(path)
        #expect(
            text.hasPrefix("bare: ready") && text.contains("ok echo into the file") && !text.contains("old content"))
    }

    @Test("to nothing, and no port at all", arguments: ["null", "none"]) func toNothing(_ target: String) throws {
        var machine = try Machine.withDevice()
        machine.serial = ["-display", "none", "-serial", target]
        let process = try machine.start("write 0x40000000 ran;power-off")
        if target == "none" {
            // Without a port its line status reads as all ones: ready to send, and with endless input.
            #expect(eventually { (try? machine.folder.text(of: "pmem.img", at: 0, count: 3)) == "ran" })
            process.signal(SIGTERM)
            _ = process.wait()
        } else {
            #expect(process.wait() == .exited(0))
        }
        #expect(process.output == "")
        #expect(try machine.folder.text(of: "pmem.img", at: 0, count: 3) == "ran")
    }

    @Test("a file that cannot be made") func unwritableFile() throws {
        var machine = try Machine.withDevice()
        machine.serial = ["-serial", "file:/nowhere/log"]
        let process = try machine.start("power-off")
        #expect(process.wait() == .exited(1))
        for part in ["-serial", "/nowhere/log", "No such file"] {
            #expect(process.errors.contains(part), "\(process.errors)")
        }
    }
}

@Suite("The serial port on a socket", .enabled(if: Needletail.hasKVM, "\(Needletail.noKVM)"))
struct SerialSocketTests {
    private func machine(_ options: String) throws -> (Machine, path: String) {
        var machine = try Machine.withDevice()
        let path = machine.folder.file("s")
        machine.serial = ["-display", "none", "-serial", "unix:\(path)\(options)"]
        return (machine, path)
    }

    private func client(_ path: String) throws -> SocketClient {
        var client: SocketClient?
        _ = eventually {
            client = SocketClient(connectingTo: path)
            return client != nil
        }
        return try #require(client)
    }

    @Test("a client comes, goes, and the next one comes") func clientsComeAndGo() throws {
        let (machine, path) = try machine(",server=on,wait=off")
        let process = try machine.start()
        for number in 1...3 {
            let client = try client(path)
            client.send("echo client \(number)\n")
            #expect(client.hears("ok echo client \(number)"), "\(client.text)")
        }
        // Output without a client is dropped, and does not block the guest.
        var last: SocketClient? = try client(path)
        last?.send("delay 100\necho nobody hears this\n")
        last = nil
        let client = try client(path)
        client.send("power-off\n")
        #expect(process.wait() == .exited(0), "\(process.errors)")
        #expect(!machine.folder.exists("s"), "the socket is gone")
    }

    @Test("wait=on: nothing runs before a client has come") func waits() throws {
        let (machine, path) = try machine(",server=on")
        let process = try machine.start("write 0x40000000 ran;echo early;power-off")
        usleep(300_000)
        #expect(try !machine.folder.exists("pmem.img") || machine.folder.bytes(of: "pmem.img", at: 0, count: 1) == [0])
        let client = try client(path)
        #expect(client.hears("bare: ready"))
        #expect(client.hears("ok echo early"))
        #expect(process.wait() == .exited(0))
    }

    @Test("wait=on: a signal ends the wait") func signalWhileWaiting() throws {
        let (machine, _) = try machine(",server=on,wait=on")
        let process = try machine.start("power-off")
        #expect(eventually { machine.folder.exists("s") })
        process.signal(SIGTERM)
        #expect(process.wait(seconds: 5) == .exited(128 + SIGTERM))
        #expect(!machine.folder.exists("s"))
    }

    @Test("as a client") func asClient() throws {
        let (machine, path) = try machine("")
        let (server, process) = try SocketClient.accepting(on: path) { try machine.start() }
        server.send("echo over there\npower-off\n")
        #expect(server.hears("ok echo over there"), "\(server.text)")
        #expect(process.wait() == .exited(0))
    }

    @Test("as a client without a server") func asClientOfNobody() throws {
        let (machine, path) = try machine("")
        let process = try machine.start()
        #expect(process.wait() == .exited(1))
        #expect(process.errors.contains(path), "\(process.errors)")
    }

    @Test("a socket that another process listens on is not removed") func occupied() throws {
        let (machine, path) = try machine(",server=on,wait=off")
        let first = try machine.start()
        let client = try client(path)
        var other = try Machine.withDevice()
        other.serial = machine.serial
        let second = try other.start("power-off")
        #expect(second.wait() == .exited(1))
        #expect(second.errors.contains(path), "\(second.errors)")
        client.send("power-off\n")
        #expect(first.wait() == .exited(0))
    }
}
