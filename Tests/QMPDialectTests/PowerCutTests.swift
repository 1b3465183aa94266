import Options
import QEMUDialect
import Testing

@testable import QMPDialect

private func command(_ arguments: String) throws -> QMPCommand {
    let text = #"{"execute":"x-needletail-power-cut"\#(arguments)}"#
    return try QMPRequest(decodeJSON(Array(text.utf8))).command()
}

@Test(
    arguments: [
        ("", .drop, 0), (#","arguments":{}"#, .drop, 0), (#","arguments":{"mode":"drop","seed":3}"#, .drop, 3),
        (#","arguments":{"mode":"subset","seed":18446744073709551615}"#, .subset, .max),
        (#","arguments":{"mode":"torn"}"#, .torn, 0),
    ] as [(String, PowerCutOptions.Mode, UInt64)])
func powerCutIsUnderstood(arguments: String, mode: PowerCutOptions.Mode, seed: UInt64) throws {
    #expect("\(try command(arguments))" == "\(QMPCommand.cutPower(PowerCutOptions(mode: mode, seed: seed)))")
}

@Test(arguments: [
    (#"{"mode":"all"}"#, "Parameter 'mode' does not accept value 'all'"),
    (#"{"mode":1}"#, "Invalid parameter type for 'mode', expected: string"),
    (#"{"seed":"1"}"#, "Invalid parameter type for 'seed', expected: uint64"),
    (#"{"seed":-1}"#, "Invalid parameter type for 'seed', expected: uint64"),
    (#"{"id":"nv1"}"#, "Parameter 'id' is unexpected"),
])
func powerCutIsRefused(arguments: String, description: String) throws {
    var refusal: QMPError?
    do { _ = try command(#","arguments":\#(arguments)"#) } catch let error as QMPError { refusal = error }
    #expect(refusal == QMPError(description))
}

@Test func powerCutAnswers() {
    let report = PowerCutReport(memoryBackend: "mem1", path: "a.img", unflushed: 9, kept: 2, torn: 3)
    #expect(
        powerCutAnswer([report]).text
            == #"[{"memdev": "mem1", "mem-path": "a.img", "unflushed-pages": 9, "kept": 2, "torn": 3, "lost": 4}]"#)
    #expect(powerCutText(report) == "mem1: unflushed pages in a.img: 9 (4 lost, 2 kept, 3 torn)")
}

@Test func objectOfAPowerCutTest() throws {
    let text =
        #"{"execute":"object-add","arguments":{"qom-type":"memory-backend-file","id":"m","size":4096,"mem-path":"a","share":true,"durability":"power-cut-test"}}"#
    let command = try QMPRequest(decodeJSON(Array(text.utf8))).command()
    guard case .addObject(let backend) = command else {
        Issue.record("\(command)")
        return
    }
    #expect((backend as? FileBackendOptions)?.durability == .powerCutTest)
}
