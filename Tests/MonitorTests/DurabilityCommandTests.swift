import QEMUDialect
import Testing

@testable import Monitor

/// The commands of ours about flushes, at the human monitor.
private func machineWithDevice() throws -> FakeMachine {
    let machine = FakeMachine()
    let execution = HMPExecution(machine: machine)
    #expect(execution.run("object_add memory-backend-file,id=mem1,share=on,mem-path=f,size=1G").text == "")
    #expect(execution.run("device_add virtio-pmem-pci,id=nv1,memdev=mem1").text == "")
    return machine
}

@Test(
    arguments: [
        ("x-needletail-clear-failure nv1", "", ["clear nv1"]),
        ("x-needletail-clear-failure nope", "Error: Device 'nope' not found\n", []),
        ("x-needletail-set-flush-limit nv1 10", "", ["limit nv1 10 10"]),
        ("x-needletail-set-flush-limit nv1 10 3", "", ["limit nv1 10 3"]),
        ("x-needletail-set-flush-limit nv1 0", "", ["limit nv1 0 1"]),
    ] as [(String, String, [String])])
func durabilityCommand(line: String, answer: String, notes: [String]) throws {
    let machine = try machineWithDevice()
    #expect(HMPExecution(machine: machine).run(line).text == answer)
    #expect(machine.notes == notes)
}

@Test(arguments: [
    ("x-needletail-clear-failure", "string expected"), ("x-needletail-set-flush-limit nv1", "integer expected"),
    ("x-needletail-set-flush-limit nv1 fast", "integer expected"),
    ("x-needletail-set-flush-limit nv1 1 2 3", "extraneous characters at the end of line"),
]) func durabilityCommandIsIncomplete(line: String, problem: String) throws {
    let machine = try machineWithDevice()
    #expect(HMPExecution(machine: machine).run(line).text.contains(": \(problem)\nTry \"help x-needletail-"))
    #expect(machine.notes == [])
}
