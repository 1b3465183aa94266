import Options
import QEMUDialect
import Testing

@testable import QMPDialect

@Test func durabilityEventsSayWhatTheyAreAbout() {
    let failed = QMPEvent(.flushFailed(FlushFailure(id: "nv1", memoryBackend: "mem1", path: "a.img", errorName: "EIO")))
    #expect(failed.name == "x-needletail-PMEM_FLUSH_FAILED")
    #expect(failed.data?.text == #"{"id": "nv1", "path": "a.img", "memdev": "mem1", "errno": "EIO"}"#)
    let bare = QMPEvent(.flushFailed(FlushFailure(id: nil, memoryBackend: "mem1", path: nil, errorName: "errno 5")))
    #expect(bare.data?.text == #"{"memdev": "mem1", "errno": "errno 5"}"#)
    let fault = QMPEvent(.memoryFault(MemoryFault(id: "nv1", path: "a.img", address: 4096, reason: "disk full")))
    #expect(fault.name == "x-needletail-PMEM_FAULT")
    #expect(fault.data?.text == #"{"id": "nv1", "path": "a.img", "address": 4096, "reason": "disk full"}"#)
}

private func command(_ text: String) throws -> QMPCommand {
    try QMPRequest(decodeJSON(Array(text.utf8))).command()
}

@Test func durabilityCommandsAreUnderstood() throws {
    #expect(
        "\(try command(#"{"execute":"x-needletail-clear-failure","arguments":{"id":"nv1"}}"#))"
            == "\(QMPCommand.clearFailure(id: "nv1"))")
    let limit = #"{"execute":"x-needletail-set-flush-limit","arguments":{"id":"nv1","rate":5}}"#
    #expect("\(try command(limit))" == "\(QMPCommand.setFlushLimit(id: "nv1", FlushLimitOptions(rate: 5)))")
    let burst = #"{"execute":"x-needletail-set-flush-limit","arguments":{"id":"nv1","rate":5,"burst":2}}"#
    #expect("\(try command(burst))" == "\(QMPCommand.setFlushLimit(id: "nv1", FlushLimitOptions(rate: 5, burst: 2)))")
}

@Test(arguments: [
    (#"{"execute":"x-needletail-clear-failure"}"#, "Parameter 'id' is missing"),
    (#"{"execute":"x-needletail-set-flush-limit","arguments":{"id":"nv1"}}"#, "Parameter 'rate' is missing"),
    (
        #"{"execute":"x-needletail-set-flush-limit","arguments":{"id":"nv1","rate":-1}}"#,
        "Invalid parameter type for 'rate', expected: uint64"
    ),
])
func durabilityCommandIsRefused(text: String, description: String) throws {
    var refusal: QMPError?
    do { _ = try command(text) } catch let error as QMPError { refusal = error }
    #expect(refusal == QMPError(description))
}
