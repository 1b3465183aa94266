import Foundation
import Glibc
import TestSupport
import Testing

/// What the guest's serial port goes to, and does not read it.
enum StalledReader: String, Sendable, CaseIterable {
    case pipe, terminal, socketClient
}

/// A guest that does nothing but write to its serial port, and a reader that stopped reading: the vCPU waits, and all
/// that has to stop it works all the same.
@Suite("A console that is not read", .serialized, .enabled(if: Needletail.hasKVM, "\(Needletail.noKVM)"))
struct StalledConsoleTests {
    private static let secondsToStop = 2.0

    private struct Bench {
        let machine: Machine
        let process: HostProcess
        let qmp: OperatorLine
        /// Takes some of what has come.
        let read: () -> String

        init(_ reader: StalledReader, more: String = "", commands: String = "scan;init;flush") throws {
            var machine = try Machine()
            machine.addDevice("pmem.img", size: "16M", address: Machine.memory)
            machine.options = machine.options.map { $0.hasPrefix("memory-backend-file") ? $0 + more : $0 }
            let (socket, serial) = (machine.folder.file("qmp"), machine.folder.file("serial"))
            machine.options += ["-qmp", "unix:\(socket),server=on,wait=off"]
            let commands = commands + ";flood-port 0 0x3f8 1 0x41 0x42 join=1"
            switch reader {
            case .pipe:
                let process = try machine.start(commands, output: .stuckPipe)
                self.process = process
                read = { process.readPipe() }
            case .terminal:
                let terminal = try Terminal()
                process = try machine.start(commands, input: .terminal(terminal))
                read = {
                    let before = terminal.text.count
                    terminal.readScreen()
                    return String(terminal.text.dropFirst(before))
                }
            case .socketClient:
                machine.serial = ["-display", "none", "-serial", "unix:\(serial),server=on"]
                process = try machine.start(commands)
                var client: SocketClient?
                _ = eventually {
                    client = SocketClient(connectingTo: serial)
                    return client != nil
                }
                let connected = try #require(client)
                read = {
                    let before = connected.text.count
                    connected.receive()
                    return String(connected.text.dropFirst(before))
                }
            }
            self.machine = machine
            qmp = try OperatorLine(socket)
            waitForStall()
        }

        /// Until the vCPU's thread waits for space: its processor time stands still.
        func waitForStall() {
            var last = -1
            _ = eventually {
                usleep(200_000)
                defer { last = processorTime }
                return processorTime == last
            }
        }

        /// Of all threads, in ticks (proc_pid_stat(5): fields 14 and 15).
        private var processorTime: Int {
            let fields = textOfFile("/proc/\(process.identifier)/stat").split(separator: " ")
            return fields.count > 15 ? (Int(fields[13]) ?? 0) + (Int(fields[14]) ?? 0) : 0
        }

        /// Asks, and says how long the answer took, in seconds.
        func time(_ request: String) throws -> Double {
            let begin = Date()
            #expect(try qmp.ask(request).contains("return"))
            return Date().timeIntervalSince(begin)
        }
    }

    @Test("stop and cont; no byte is lost or comes twice", arguments: StalledReader.allCases)
    func stop(_ reader: StalledReader) throws {
        let bench = try Bench(reader)
        var text = ""
        for wanted in stride(from: 0, to: 120_000, by: 20_000) {
            #expect(try bench.time(#"{"execute":"stop"}"#) < Self.secondsToStop)
            #expect(try bench.time(#"{"execute":"cont"}"#) < Self.secondsToStop)
            #expect(
                eventually(seconds: 60) {
                    text += bench.read()
                    return text.utf8.count > wanted
                })
            bench.waitForStall()
        }
        let flood = text.split(separator: "count=0", maxSplits: 1).last?.filter { $0 == "A" || $0 == "B" } ?? ""
        #expect(flood.utf8.count > 90_000)
        let isAlternating = flood.utf8.enumerated().allSatisfy { $1 == ($0.isMultiple(of: 2) ? 0x41 : 0x42) }
        #expect(isAlternating, "\(reader.rawValue)")
        bench.process.signal(SIGTERM)
        #expect(bench.process.wait(seconds: 10) == .exited(128 + SIGTERM), "\(bench.process.errors)")
    }

    @Test("SIGTERM, while it runs and while it is stopped", arguments: StalledReader.allCases, [false, true])
    func signal(_ reader: StalledReader, _ isStopped: Bool) throws {
        let bench = try Bench(reader)
        if isStopped { #expect(try bench.time(#"{"execute":"stop"}"#) < Self.secondsToStop) }
        bench.process.signal(SIGTERM)
        #expect(bench.process.wait(seconds: 10) == .exited(128 + SIGTERM), "\(bench.process.errors)")
    }

    @Test("the power is cut", arguments: StalledReader.allCases) func powerCut(_ reader: StalledReader) throws {
        let bench = try Bench(reader, more: ",durability=power-cut-test")
        #expect(try bench.time(#"{"execute":"x-needletail-power-cut","arguments":{"mode":"drop"}}"#) < 10)
        #expect(bench.process.wait(seconds: 10) == .exited(0), "\(bench.process.errors)")
    }

    @Test("a reset starts over", arguments: StalledReader.allCases) func reset(_ reader: StalledReader) throws {
        let bench = try Bench(reader)
        #expect(try bench.time(#"{"execute":"system_reset"}"#) < Self.secondsToStop)
        #expect(
            eventually {
                _ = bench.read()
                return bench.qmp.transcript.contains("\"RESET\"")
            })
        bench.process.signal(SIGTERM)
        #expect(bench.process.wait(seconds: 10) == .exited(128 + SIGTERM), "\(bench.process.errors)")
    }

    @Test("a page goes missing", arguments: StalledReader.allCases) func missingPage(_ reader: StalledReader) throws {
        let bench = try Bench(reader)
        try FileHandle(forWritingTo: URL(filePath: bench.machine.folder.file("pmem.img"))).truncate(atOffset: 4096)
        #expect(try bench.qmp.waitForEvent("STOP").contains("STOP"))
        #expect(try bench.qmp.ask(#"{"execute":"query-status"}"#).contains("io-error"))
        bench.process.signal(SIGTERM)
        // What was cut off cannot be synchronized; the end comes in any case.
        #expect(bench.process.wait(seconds: 10) != .timedOut, "\(bench.process.errors)")
    }
}
