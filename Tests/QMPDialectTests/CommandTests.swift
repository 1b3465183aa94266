import Options
import QEMUDialect
import Testing

@testable import QMPDialect

private func refusal(_ text: String) -> QMPError? {
    do throws(QMPRefusal) {
        let value: JSONValue
        do throws(QMPError) { value = try decodeJSON(Array(text.utf8)) } catch { throw QMPRefusal(error, id: nil) }
        let request = try QMPRequest(value)
        do throws(QMPError) { _ = try request.command() } catch { throw QMPRefusal(error, id: nil) }
        return nil
    } catch { return error.error }
}

/// A request and the description of the error that QEMU 7.2 answers with.
@Test(arguments: [
    ("[]", "QMP input must be a JSON object"), ("{}", "QMP input lacks member 'execute'"),
    (#"{"execute":1}"#, "QMP input member 'execute' must be a string"),
    (#"{"exec":"query-status"}"#, "QMP input member 'exec' is unexpected"),
    (#"{"execute":"query-status","foo":1}"#, "QMP input member 'foo' is unexpected"),
    (#"{"execute":"query-status","arguments":[]}"#, "QMP input member 'arguments' must be an object"),
    (#"{"execute":"query-status","arguments":null}"#, "QMP input member 'arguments' must be an object"),
    (#"{"execute":"query-status","arguments":{"x":1}}"#, "Parameter 'x' is unexpected"),
    (
        #"{"execute":"qmp_capabilities","arguments":{"enable":3}}"#,
        "Invalid parameter type for 'enable', expected: array"
    ),
    (#"{"execute":"qmp_capabilities","arguments":{"enable":["foo"]}}"#, "Parameter 'null' does not accept value 'foo'"),
    (#"{"execute":"device_del"}"#, "Parameter 'id' is missing"),
    (#"{"execute":"device_del","arguments":{"id":1}}"#, "Invalid parameter type for 'id', expected: string"),
    (#"{"execute":"object-del","arguments":{"id":"x","y":1}}"#, "Parameter 'y' is unexpected"),
    (#"{"execute":"human-monitor-command"}"#, "Parameter 'command-line' is missing"),
    (#"{"execute":"device-list-properties"}"#, "Parameter 'typename' is missing"),
    (#"{"execute":"device_add","arguments":{"id":"d1"}}"#, "Parameter 'driver' is missing"),
    (#"{"execute":"device_add","arguments":{"driver":1}}"#, "'1' is not a valid device model name"),
    (#"{"execute":"device_add","arguments":{"driver":"nope"}}"#, "'nope' is not a valid device model name"),
    (#"{"execute":"device_add","arguments":{"driver":"virtio-pmem-pci","id":"d1"}}"#, "'memdev' property must be set"),
    (
        #"{"execute":"device_add","arguments":{"driver":"virtio-pmem-pci","memdev":"m","memaddr":1.5}}"#,
        "Parameter 'memaddr' expects integer"
    ),
    (#"{"execute":"device_add","arguments":{"driver":"virtio-pmem-pci","memdev":"m","bus":"x"}}"#, "Bus 'x' not found"),
])
func requestIsRefused(text: String, description: String) {
    #expect(refusal(text) == QMPError(description))
}

@Test func unknownCommandHasItsClass() {
    #expect(
        refusal(#"{"execute":"foo"}"#) == QMPError("The command foo has not been found", errorClass: .commandNotFound))
}

/// Members of `object-add` beside a type and an id that are right, and QEMU's description of what is wrong.
@Test(arguments: [
    (#""size":"1M""#, "Parameter 'size' expects uint64"), (#""size":1.5"#, "Parameter 'size' expects uint64"),
    (#""size":-1"#, "Parameter 'size' expects uint64"),
    (#""size":18446744073709551616"#, "Parameter 'size' expects uint64"),
    (#""size":0"#, "property 'size' of memory-backend-ram doesn't take value '0'"),
    (#""size":4096,"share":"on""#, "Invalid parameter type for 'share', expected: boolean"),
    (#""size":4096,"foo":1"#, "Parameter 'foo' is unexpected"),
    (#""size":4096,"props":{}"#, "Parameter 'props' is unexpected"),
    (#""size":4096,"durability":true"#, "Parameter 'durability' is unexpected"),
    (#""size":4096,"durability":"power-cut-test""#, "Parameter 'durability' is unexpected"),
    (#""size":4096,"prealloc-threads":"2""#, "Invalid parameter type for 'prealloc-threads', expected: integer"),
])
func objectIsRefused(members: String, description: String) {
    let text = #"{"execute":"object-add","arguments":{"qom-type":"memory-backend-ram","id":"m1",\#(members)}}"#
    #expect(refusal(text) == QMPError(description))
}

@Test(arguments: [
    (#"{}"#, "Parameter 'qom-type' is missing"), (#"{"id":"m1"}"#, "Parameter 'qom-type' is missing"),
    (#"{"qom-type":"foo","id":"m1"}"#, "Parameter 'qom-type' does not accept value 'foo'"),
    (#"{"qom-type":"memory-backend-ram","id":1}"#, "Invalid parameter type for 'id', expected: string"),
    (#"{"qom-type":"memory-backend-ram","size":1}"#, "Parameter 'id' is missing"),
    (#"{"qom-type":"memory-backend-ram","id":"1m","size":4096}"#, "Parameter 'id' expects an identifier"),
])
func objectWithoutTypeOrNameIsRefused(arguments: String, description: String) {
    #expect(refusal(#"{"execute":"object-add","arguments":\#(arguments)}"#) == QMPError(description))
}

private func command(_ text: String) throws -> QMPCommand { try QMPRequest(decodeJSON(Array(text.utf8))).command() }

@Test func objectsAndDevicesAreUnderstood() throws {
    let object = try command(
        #"{"execute":"object-add","arguments":{"qom-type":"memory-backend-file","id":"m","size":4294967296,"mem-path":"a,b","share":true}}"#
    )
    guard case .addObject(let backend) = object else {
        Issue.record("\(object)")
        return
    }
    let file = try #require(backend as? FileBackendOptions)
    #expect(file.byteCount == 4 << 30 && file.path == "a,b" && file.isShared)
    let device = try command(
        #"{"execute":"device_add","arguments":{"driver":"virtio-pmem-pci","id":"d","memdev":"m","addr":5,"memaddr":4294967296,"ats":false}}"#
    )
    guard case .addDevice(let options) = device else {
        Issue.record("\(device)")
        return
    }
    let pci = VirtioPCIOptions(id: "d", slot: PCISlot(device: 5))
    var expected = VirtioPMemOptions(memoryBackend: "m", pci: pci)
    expected.memoryAddress = 1 << 32
    #expect(options.isEqual(to: expected))
}

@Test func everyCommandOfTheListHasAName() {
    let expected: Set = [
        "qmp_capabilities", "query-version", "query-commands", "query-status", "query-name", "query-kvm",
        "query-cpus-fast", "query-memdev", "query-memory-devices", "query-pci", "object-add", "object-del",
        "device_add",
        "device_del", "device-list-properties", "human-monitor-command", "stop", "cont", "system_powerdown",
        "system_reset", "quit", "x-needletail-query-pmem", "x-needletail-clear-failure",
        "x-needletail-set-flush-limit", "x-needletail-power-cut",
    ]
    #expect(Set(qmpVerbs.map(\.name)) == expected && qmpVerbs.count == expected.count)
}
