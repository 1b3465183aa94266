import Host
import Logging
import QEMUDialect
import Synchronization
import Testing

@testable import Monitor

/// Clients as scripts are: they send, close their half, and read to the end (`echo "info status" | nc -N -U m.sock`).
@Suite(.serialized) struct OneShotTests {
    private static let qmp = #"{"execute":"qmp_capabilities"}{"execute":"query-name","id":7}"#

    @Test(arguments: ["info name\n", qmp]) func unixClientsGetTheirAnswers(request: String) throws {
        try withServer { _, hmp, qmp in
            var lost = 0
            for _ in 0..<100 {
                let client = try SocketClient(request == Self.qmp ? qmp : hmp)
                try client.send(request)
                client.endInput()
                if try !client.readToEnd().contains("box") { lost += 1 }
            }
            #expect(lost == 0)
        }
    }

    @Test(arguments: ["info name\n", qmp]) func tcpClientsGetTheirAnswers(request: String) throws {
        var configuration = MachineConfiguration()
        let port = UInt16.random(in: 20000...29999)
        let target = MonitorTarget.tcpSocket(host: "127.0.0.1", port: port, .server(waits: false))
        if request == Self.qmp { configuration.qmps = [target] } else { configuration.monitors = [target] }
        let server = try #require(try MonitorServer.start(configuration, FakeMachine(), log: Logger(label: "test")))
        defer { server.shutDown() }
        var lost = 0
        for _ in 0..<100 {
            let client = try SocketClient(tcpPort: port)
            try client.send(request)
            client.endInput()
            if try !client.readToEnd().contains("box") { lost += 1 }
        }
        #expect(lost == 0)
    }

    /// A text that nests as deeply as may be, again and again: it is read in a moment, and other clients are served
    /// meanwhile.
    @Test(.timeLimit(.minutes(1))) func deepAndLongTextDelaysNobody() throws {
        let depth = 1000
        let nest = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        let text =
            "{\"execute\":\"query-name\",\"id\":[" + Array(repeating: nest, count: 300).joined(separator: ",") + "]}\n"
        try withServer { _, hmp, qmp in
            let start = MonotonicTime.nanoseconds
            let client = try SocketClient.qmp(qmp)
            try client.send(text)
            let other = try SocketClient(hmp)
            _ = try other.read(to: "(qemu) ")
            #expect(try client.read(to: "\r\n").contains("box"))
            #expect(MonotonicTime.nanoseconds - start < 10_000_000_000)
        }
    }

    /// A command that takes long delays only the client that sent it.
    @Test(.timeLimit(.minutes(1))) func aSlowCommandDelaysNobodyElse() throws {
        let machine = FakeMachine()
        let isHeld = ConditionLock(true)
        machine.beforeStop.withLock { $0 = { isHeld.wait(while: { $0 }, then: { _ in }) } }
        try withServer(machine) { _, hmp, qmp in
            let slow = try SocketClient(hmp)
            try slow.send("stop\n")
            let other = try SocketClient.qmp(qmp)
            #expect(try other.ask(#"{"execute":"query-name"}"#).contains("box"))
            isHeld.withLock { $0 = false }
            _ = try slow.read(to: "stop\u{1B}[K\r\n(qemu) ")
        }
    }
}
