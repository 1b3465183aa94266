import Host
import Logging
import QEMUDialect
import Testing

@testable import Monitor

/// The sockets and what their clients do wrong. One after the other, since one of them counts this process's
/// descriptors.
@Suite(.serialized) struct ServerTests {
    @Test func personOnASocket() throws {
        try withServer { _, hmp, _ in
            let client = try SocketClient(hmp)
            _ = try client.read(to: "(qemu) ")
            try client.send("info name\n")
            #expect(try client.read(to: "(qemu) ") == "info name\u{1B}[K\r\nbox\r\n(qemu) ")
        }
    }

    @Test func programOnASocketOneClientAfterTheOther() throws {
        try withServer { machine, _, qmp in
            for number in 0..<20 {
                let client = try SocketClient.qmp(qmp)
                #expect(
                    try client.ask("{\"execute\":\"query-name\",\"id\":\(number)}")
                        == "{\"return\": {\"name\": \"box\"}, \"id\": \(number)}\r\n")
            }
            #expect(machine.watcherCount <= 1)
        }
    }

    @Test func secondClientWaitsForTheFirstToGo() throws {
        try withServer { _, _, qmp in
            var first: SocketClient? = try SocketClient.qmp(qmp)
            let second = try SocketClient(qmp)
            #expect(try !second.receiveMore(timeout: 200))
            #expect(try first?.ask(#"{"execute":"query-name"}"#) == "{\"return\": {\"name\": \"box\"}}\r\n")
            first = nil
            #expect(try second.read(to: "\r\n").hasPrefix("{\"QMP\": "))
        }
    }

    @Test func clientThatLeavesInTheMiddleOfACommandDoesNotCarryItOut() throws {
        try withServer { machine, _, qmp in
            try SocketClient.qmp(qmp).send(
                #"{"execute":"object-add","arguments":{"qom-type":"memory-backend-ram","id":"m""#)
            let client = try SocketClient.qmp(qmp)
            #expect(try client.ask(#"{"execute":"query-name"}"#).contains("box"))
            #expect(machine.memoryBackends.count == 1)
        }
    }

    @Test(arguments: [
        "{\"execute\":\"que\n", "}\n", "nonsense\n", String(repeating: "[", count: 5000) + "\n", "{\"a\":}\n", "1\n",
        "{\"execute\":\"query-status\",\"id\":\"" + String(repeating: "x", count: 10 << 20) + "\"}\n",
    ])
    func malformedInputIsAnsweredAndTheNextCommandServed(input: String) throws {
        try withServer { _, _, qmp in
            let client = try SocketClient.qmp(qmp)
            try client.send(input)
            let answer = try client.read(to: "\r\n")
            #expect(answer.hasPrefix("{\"error\": {\"class\": \"GenericError\", \"desc\": \""), "\(answer)")
            #expect(
                try client.ask(#"{"execute":"query-name","id":1}"#)
                    == "{\"return\": {\"name\": \"box\"}, \"id\": 1}\r\n")
        }
    }

    @Test func noiseDoesNotStopTheServer() throws {
        try withServer { _, hmp, qmp in
            var generator = SystemRandomNumberGenerator()
            let noise = (0..<300_000).map { _ in UInt8.random(in: 0...255, using: &generator) }
            for path in [hmp, qmp] { try SocketClient(path).send(noise) }
            let client = try SocketClient.qmp(qmp)
            #expect(try client.ask(#"{"execute":"query-name"}"#).contains("box"))
            #expect(try SocketClient(hmp).read(to: "(qemu) ").hasPrefix("Needletail"))
        }
    }

    /// The client takes nothing of what it asks for, then some events more than its queue holds.
    @Test func readerThatIsTooSlowIsDisconnected() throws {
        try withServer { machine, _, qmp in
            let client = try SocketClient.qmp(qmp)
            for _ in 0..<400_000 { machine.tell(.stop) }
            #expect(try client.isDisconnected())
            #expect(try SocketClient.qmp(qmp).ask(#"{"execute":"query-name"}"#).contains("box"))
        }
    }

    @Test func eventsReachEveryClient() throws {
        let machine = FakeMachine()
        try withServer(machine) { _, _, one in
            try withServer(machine) { _, _, other in
                let (first, second) = (try SocketClient.qmp(one), try SocketClient.qmp(other))
                #expect(try first.ask(#"{"execute":"stop"}"#).contains("\"event\": \"STOP\""))
                #expect(try second.read(to: "\r\n").contains("\"event\": \"STOP\""))
            }
        }
    }

    @Test func whatWasSaidBeforeTheEndArrives() throws {
        let stem = "/tmp/needletail-monitor-\(Process.identifier)-end"
        var configuration = MachineConfiguration()
        configuration.qmps = [.unixSocket(path: stem, .server(waits: false))]
        let machine = FakeMachine()
        let server = try #require(try MonitorServer.start(configuration, machine, log: Logger(label: "test")))
        let client = try SocketClient.qmp(stem)
        try client.send(#"{"execute":"quit"}"#)
        #expect(try client.read(to: "\r\n").contains("SHUTDOWN"))
        server.shutDown()
        #expect(try client.read(to: "\r\n") == "{\"return\": {}}\r\n" && client.isDisconnected())
        #expect(throws: SystemCallError.self) { try FileStatus(path: stem) }
    }

    @Test func socketIsItsOwnersAndALiveOneIsLeftAlone() throws {
        try withServer { (machine, _, qmp) throws in
            #expect(try permissions(of: qmp) == 0o600)
            var configuration = MachineConfiguration()
            configuration.qmps = [.unixSocket(path: qmp, .server(waits: false))]
            #expect(throws: MonitorError(option: "-qmp unix:\(qmp)", reason: "Address already in use")) {
                try MonitorServer.start(configuration, machine, log: Logger(label: "test"))
            }
            #expect(try SocketClient.qmp(qmp).ask(#"{"execute":"query-name"}"#).contains("box"))
        }
    }

    @Test(
        arguments: [
            (.unixSocket(path: "/nodir/x", .server(waits: false)), "-qmp unix:/nodir/x: No such file or directory"),
            (.unixSocket(path: "/nodir/x", .client), "-qmp unix:/nodir/x: No such file or directory"),
            (.tcpSocket(host: "127.0.0.1", port: 1, .client), "-qmp tcp:127.0.0.1:1: Connection refused"),
            (
                .tcpSocket(host: "192.0.2.1", port: 1, .server(waits: false)),
                "-qmp tcp:192.0.2.1:1: Cannot assign requested address"
            ),
        ] as [(MonitorTarget, String)])
    func monitorThatCannotBeOpenedIsNamed(target: MonitorTarget, text: String) {
        var configuration = MachineConfiguration()
        configuration.qmps = [target]
        var shown = ""
        do { _ = try MonitorServer.start(configuration, FakeMachine(), log: Logger(label: "test")) } catch {
            shown = "\(error)"
        }
        #expect(shown == text)
    }

    @Test func noMonitorNoServer() throws {
        #expect(try MonitorServer.start(MachineConfiguration(), FakeMachine(), log: Logger(label: "test")) == nil)
    }

    @Test func descriptorsDoNotGrow() throws {
        func cycle() throws {
            try withServer { _, hmp, qmp in
                for _ in 0..<20 {
                    _ = try SocketClient.qmp(qmp)
                    _ = try SocketClient(hmp)
                }
            }
        }
        try cycle()
        let before = try openDescriptorCount()
        for _ in 0..<3 { try cycle() }
        #expect(try openDescriptorCount() <= before)
    }
}
