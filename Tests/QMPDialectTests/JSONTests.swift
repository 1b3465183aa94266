import QEMUDialect
import Testing

@testable import QMPDialect

/// What is read, and how it is written again. The right side is what QEMU 7.2 echoes as an id.
@Test(arguments: [
    (#"[1,2.50,null,true,"\u00e4\/x"]"#, #"[1, 2.5, null, true, "\u00E4/x"]"#),
    (
        "[18446744073709551615,-9223372036854775808,9223372036854775807]",
        "[18446744073709551615, -9223372036854775808, 9223372036854775807]"
    ),
    ("[1e3,-0.5,0,-0]", "[1000, -0.5, 0, 0]"), ("{}", "{}"), ("[]", "[]"),
    (#"{"b":1,"a":{"c":[]}}"#, #"{"a": {"c": []}, "b": 1}"#),
    (#"["\n\t\"\\\u0001\u007f😀"]"#, #"["\n\t\"\\\u0001\u007F\uD83D\uDE00"]"#),
])
func valuesAreEchoed(text: String, echo: String) throws {
    #expect(try decodeJSON(Array(text.utf8)).text == echo)
}

@Test(arguments: ["{", "[1 2]", #"{"a" "b"}"#, "{1:2}", "[nul]", #"["\x"]"#, "[01]", "[1e400]", "[\u{1}]", "{'a':1}"])
func malformedTextIsRefused(text: String) {
    #expect(throws: QMPError("JSON parse error, expecting value")) { try decodeJSON(Array(text.utf8)) }
}

@Test func invalidUTF8IsRefused() {
    #expect(throws: QMPError("JSON parse error, invalid UTF-8")) { try decodeJSON([0x5B, 0x22, 0xFF, 0x22, 0x5D]) }
}

@Test func eventsAreWrittenAsQEMUDoes() {
    func text(_ event: MonitorEvent) -> String { QMPAnswer.event(QMPEvent(event), seconds: 5, microseconds: 7) }
    let head = #"{"timestamp": {"seconds": 5, "microseconds": 7}, "event": "#
    #expect(text(.stop) == head + "\"STOP\"}\r\n" && text(.resume) == head + "\"RESUME\"}\r\n")
    #expect(text(.powerDown) == head + "\"POWERDOWN\"}\r\n")
    #expect(
        text(.reset(.guestReset)) == head + "\"RESET\", \"data\": {\"guest\": true, \"reason\": \"guest-reset\"}}\r\n")
    #expect(
        text(.shutdown(.hostQMPQuit)) == head
            + "\"SHUTDOWN\", \"data\": {\"guest\": false, \"reason\": \"host-qmp-quit\"}}\r\n")
    #expect(
        text(.deviceDeleted(id: "nv1"))
            == head + "\"DEVICE_DELETED\", \"data\": {\"device\": \"nv1\", \"path\": \"/machine/peripheral/nv1\"}}\r\n")
    #expect(
        text(.deviceDeleted(id: nil)) == head
            + "\"DEVICE_DELETED\", \"data\": {\"path\": \"/machine/peripheral-anon\"}}\r\n")
    #expect(
        text(.unplugRefused(id: "nv1"))
            == head
            + "\"DEVICE_UNPLUG_GUEST_ERROR\", \"data\": {\"device\": \"nv1\", \"path\": \"/machine/peripheral/nv1\"}}\r\n"
    )
}
