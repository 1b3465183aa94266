import QEMUDialect
import Testing

@testable import Monitor

private func session(_ machine: FakeMachine, negotiated: Bool = true) -> (QMPSession, Transcript) {
    let transcript = Transcript()
    let session = QMPSession(machine) { transcript.append($0) }
    session.open()
    if negotiated { session.receive(Array(#"{"execute":"qmp_capabilities"}"#.utf8)) }
    _ = transcript.take()
    return (session, transcript)
}

private struct Conversation {
    let session: QMPSession
    let transcript: Transcript

    init(_ machine: FakeMachine) { (session, transcript) = MonitorTests.session(machine) }

    func ask(_ command: String, _ arguments: String = "{}") -> String {
        session.receive(Array("{\"execute\":\"\(command)\",\"arguments\":\(arguments)}".utf8))
        return transcript.take()
    }
}

@Test func capabilitiesComeFirst() {
    let (session, transcript) = session(FakeMachine(), negotiated: false)
    func ask(_ text: String) -> String {
        session.receive(Array(text.utf8))
        return transcript.take()
    }
    let expected =
        "{\"error\": {\"class\": \"CommandNotFound\", \"desc\": \"Expecting capabilities negotiation with 'qmp_capabilities'\"}}\r\n"
    #expect(ask(#"{"execute":"query-status"}"#) == expected && ask(#"{"execute":"foo"}"#) == expected)
    #expect(
        ask(#"{"execute":"qmp_capabilities","arguments":{"enable":["oob"]}}"#).contains("Capability oob not available"))
    #expect(ask(#"{"execute":"qmp_capabilities","id":1}"#) == "{\"return\": {}, \"id\": 1}\r\n")
    #expect(ask(#"{"execute":"qmp_capabilities"}"#).contains("negotiation is already complete, command ignored"))
}

@Test func eventsComeBeforeTheAnswerAndOnlyAfterNegotiation() {
    let machine = FakeMachine()
    let (early, silent) = session(machine, negotiated: false)
    let talk = Conversation(machine)
    let lines = talk.ask("stop").split(separator: "\r\n")
    #expect(
        lines.count == 2 && lines.first?.hasSuffix("\"event\": \"STOP\"}") == true && lines.last == "{\"return\": {}}")
    #expect(talk.ask("stop") == "{\"return\": {}}\r\n")
    #expect(
        talk.ask("query-status")
            == "{\"return\": {\"status\": \"paused\", \"singlestep\": false, \"running\": false}}\r\n")
    #expect(
        talk.ask("cont").contains("\"event\": \"RESUME\"")
            && talk.ask("system_powerdown").contains("\"event\": \"POWERDOWN\""))
    #expect(
        talk.ask("system_reset").contains(
            "\"event\": \"RESET\", \"data\": {\"guest\": false, \"reason\": \"host-qmp-system-reset\"}"))
    #expect(
        talk.ask("quit").contains(
            "\"event\": \"SHUTDOWN\", \"data\": {\"guest\": false, \"reason\": \"host-qmp-quit\"}"))
    #expect(silent.text == "" && machine.watcherCount == 2)
    early.close()
    talk.session.close()
    talk.session.close()
    #expect(machine.watcherCount == 0)
}

@Test func deviceLifeOverQMP() {
    let machine = FakeMachine()
    let talk = Conversation(machine)
    let done = "{\"return\": {}}\r\n"
    #expect(talk.ask("object-add", #"{"qom-type":"memory-backend-ram","id":"m1","size":67108864}"#) == done)
    #expect(
        talk.ask("object-add", #"{"qom-type":"memory-backend-ram","id":"m1","size":67108864}"#).contains(
            "attempt to add duplicate property 'm1' to object (type 'container')"))
    #expect(
        talk.ask("device_add", #"{"driver":"virtio-pmem-pci","id":"d1","memdev":"nope"}"#)
            == "{\"error\": {\"class\": \"DeviceNotFound\", \"desc\": \"Device 'nope' not found\"}}\r\n")
    #expect(talk.ask("device_add", #"{"driver":"virtio-pmem-pci","id":"d1","memdev":"m1"}"#) == done)
    #expect(
        talk.ask("query-memory-devices")
            == "{\"return\": [{\"type\": \"virtio-pmem\", \"data\": {\"memdev\": \"/objects/m1\", \"memaddr\": 4294967296, \"size\": 67108864, \"id\": \"d1\"}}]}\r\n"
    )
    #expect(
        talk.ask("object-del", #"{"id":"m1"}"#).contains(
            "\"GenericError\", \"desc\": \"object 'm1' is in use, can not be deleted\""))
    #expect(
        talk.ask("device_del", #"{"id":"nope"}"#)
            == "{\"error\": {\"class\": \"DeviceNotFound\", \"desc\": \"Device 'nope' not found\"}}\r\n")
    #expect(talk.ask("device_del", #"{"id":"d1"}"#) == done)
    #expect(talk.ask("device_del", #"{"id":"d1"}"#).contains("Device d1 is already in the process of unplug"))
    machine.guestRefuses("d1")
    #expect(
        talk.transcript.take().hasSuffix(
            "\"event\": \"DEVICE_UNPLUG_GUEST_ERROR\", \"data\": {\"device\": \"d1\", \"path\": \"/machine/peripheral/d1\"}}\r\n"
        ))
    #expect(talk.ask("device_del", #"{"id":"d1"}"#) == done)
    machine.guestEjects("d1")
    #expect(
        talk.transcript.take().hasSuffix(
            "\"event\": \"DEVICE_DELETED\", \"data\": {\"device\": \"d1\", \"path\": \"/machine/peripheral/d1\"}}\r\n"))
    #expect(
        talk.ask("object-del", #"{"id":"m1"}"#) == done && talk.ask("query-memory-devices") == "{\"return\": []}\r\n")
}

@Test func humanMonitorCommands() {
    let talk = Conversation(FakeMachine())
    func run(_ line: String) -> String { talk.ask("human-monitor-command", "{\"command-line\":\"\(line)\"}") }
    #expect(
        run("info status") == "{\"return\": \"VM status: running\\r\\n\"}\r\n" && run("") == "{\"return\": \"\"}\r\n")
    #expect(run("foo") == "{\"return\": \"unknown command: 'foo'\\r\\n\"}\r\n")
    #expect(run("device_del nope") == "{\"return\": \"Error: Device 'nope' not found\\r\\n\"}\r\n")
    #expect(
        talk.ask("human-monitor-command", #"{"command-line":"info name","cpu-index":0}"#)
            == "{\"return\": \"box\\r\\n\"}\r\n")
    #expect(
        talk.ask("human-monitor-command", #"{"command-line":"info name","cpu-index":9}"#).contains(
            "Parameter 'cpu-index' expects a CPU number"))
}

@Test func queries() {
    let talk = Conversation(FakeMachine())
    #expect(talk.ask("query-kvm") == "{\"return\": {\"enabled\": true, \"present\": true}}\r\n")
    #expect(talk.ask("query-name") == "{\"return\": {\"name\": \"box\"}}\r\n")
    #expect(Conversation(FakeMachine(name: nil)).ask("query-name") == "{\"return\": {}}\r\n")
    #expect(talk.ask("query-version").hasPrefix("{\"return\": {\"qemu\": {\"micro\": "))
    #expect(talk.ask("query-cpus-fast").contains("\"thread-id\": 101, \"props\": {\"core-id\": 1, "))
    #expect(talk.ask("query-pci").hasPrefix("{\"return\": [{\"bus\": 0, \"devices\": [{\"irq_pin\": 0, "))
    #expect(talk.ask("query-commands").contains("{\"name\": \"device_add\"}"))
    #expect(talk.ask("device-list-properties", #"{"typename":"virtio-pmem-pci"}"#).contains("\"name\": \"memdev\""))
    #expect(
        talk.ask("device-list-properties", #"{"typename":"nope"}"#).contains(
            "\"DeviceNotFound\", \"desc\": \"Device 'nope' not found\""))
    #expect(talk.ask("query-status", #"{"x":1}"#).contains("Parameter 'x' is unexpected"))
}
