import QEMUDialect
import QMPDialect
import Testing

@testable import Monitor

private func machine(_ properties: String) -> FakeMachine {
    let machine = FakeMachine()
    let line = "object_add memory-backend-file,id=mem1,share=on,mem-path=f,size=1G\(properties)"
    #expect(HMPExecution(machine: machine).run(line).text == "")
    return machine
}

/// The answer tells what came of each file, and no prompt follows.
@Test func powerCutAtTheHumanMonitor() {
    let machine = machine(",durability=power-cut-test")
    let answer = HMPExecution(machine: machine).run("x-needletail-power-cut subset 7")
    #expect(answer.text == "mem1: unflushed pages in f: 4 (2 lost, 1 kept, 1 torn)\n" && answer.hasQuit)
    #expect(machine.notes == ["cut subset 7"])
}

@Test func powerCutWithoutAFileForIt() {
    let answer = HMPExecution(machine: machine("")).run("x-needletail-power-cut")
    #expect(answer.text == "Error: no memory backend has durability=power-cut-test\n" && !answer.hasQuit)
}

@Test func powerCutByQMP() throws {
    let machine = machine(",durability=power-cut-test")
    let answer = try QMPExecution(machine: machine).run(.cutPower(PowerCutOptions(mode: .torn, seed: 9)))
    #expect(
        answer.text == #"[{"memdev": "mem1", "mem-path": "f", "unflushed-pages": 4, "kept": 1, "torn": 1, "lost": 2}]"#)
    #expect(machine.notes == ["cut torn 9"])
    var refusal: QMPError?
    do throws(QMPError) { _ = try QMPExecution(machine: FakeMachine()).run(.cutPower(PowerCutOptions())) } catch {
        refusal = error
    }
    #expect(refusal?.description == "no memory backend has durability=power-cut-test")
}
