import Backend
import Host
import KVM
import Options
import Testing

@testable import Machine

/// How a vCPU ended, and what a person must be told.
struct FailureCase: Sendable {
    let end: RunEnd
    let parts: [String]
}

@Suite struct ProcessorFailureTests {
    @Test(arguments: [
        FailureCase(end: .tripleFault, parts: ["vCPU 3", "triple fault"]),
        FailureCase(end: .internalError(1), parts: ["KVM internal error 1", "cannot emulate"]),
        FailureCase(end: .internalError(2), parts: ["simultaneous exceptions"]),
        FailureCase(end: .internalError(3), parts: ["a fault while an event was delivered"]),
        FailureCase(end: .internalError(77), parts: ["77", "unexpected exit reason"]),
        FailureCase(end: .entryFailed(0x8000_0021), parts: ["0x80000021"]),
        FailureCase(end: .memoryFault(0x1_0000_2000), parts: ["0x100002000", "disk full"]),
        FailureCase(end: .memoryFault(nil), parts: ["guest memory", "disk full"]),
        FailureCase(end: .unknown(42), parts: ["42"]),
        FailureCase(end: .halted, parts: ["halted"]),
        FailureCase(end: .systemEvent(2), parts: ["system event 2"]),
        FailureCase(
            end: .failed(SystemCallError(call: "KVM_RUN", errno: .invalidArgument)),
            parts: ["KVM_RUN", "Invalid argument"]),
    ])
    func sentences(_ test: FailureCase) {
        let text = ProcessorFailure.describe(test.end, processor: 3, backends: [])
        for part in test.parts { #expect(text.contains(part), "\(text)") }
    }

    @Test func aFileThatWasMadeShorterIsNamed() throws {
        let path = "/var/tmp/needletail-failure-\(Process.identifier)"
        defer { try? unlinkFile(path) }
        var options = FileBackendOptions(id: "m", byteCount: 4 << 20, path: path)
        options.isShared = true
        let backend = try #require(try makeMemoryBackend(options))
        let before = ProcessorFailure.describe(.memoryFault(0x1000), processor: 0, backends: [backend])
        #expect(!before.contains(path), "its size is right")
        try OwnedDescriptor(opening: path, access: .readWrite).resize(to: 1 << 20)
        let text = ProcessorFailure.describe(.memoryFault(0x1000), processor: 0, backends: [backend])
        for part in [path, "1048576", "4194304", "shorter"] { #expect(text.contains(part), "\(text)") }
    }
}
