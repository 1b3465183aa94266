import Backend
import GuestMemory
import KVM

/// Why a vCPU could not go on, as a sentence for a person.
enum ProcessorFailure {
    static func describe(_ end: RunEnd, processor: Int, backends: [any MemoryBackend]) -> String {
        "vCPU \(processor): " + reason(end, backends)
    }

    private static func reason(_ end: RunEnd, _ backends: [any MemoryBackend]) -> String {
        switch end {
        case .tripleFault: "triple fault: the guest's kernel failed to handle its own fault"
        case .internalError(let code): "KVM internal error \(code): \(internalError(code))"
        case .entryFailed(let code):
            "the processor refused the guest's state (hardware reason 0x\(String(code, radix: 16)))"
        case .memoryFault(let address): missingPage(address, backends: backends)
        case .halted: "halted for good"
        case .systemEvent(let type): "system event \(type)"
        case .unknown(let code): "an exit of KVM that this monitor does not know (reason \(code))"
        case .failed(let error): "\(error)"
        case .interrupted: "interrupted"
        }
    }

    /// KVM API, section 5, KVM_EXIT_INTERNAL_ERROR.
    private static func internalError(_ code: UInt32) -> String {
        switch code {
        case 1: "an instruction that KVM cannot emulate"
        case 2: "simultaneous exceptions"
        case 3: "a fault while an event was delivered"
        default: "unexpected exit reason"
        }
    }

    /// The message for a missing page behind guest memory. It names truncated backing files, the likely cause.
    static func missingPage(_ address: UInt64?, backends: [any MemoryBackend]) -> String {
        let place = address.map { "guest-physical address \(GuestAddress($0))" } ?? "guest memory"
        let shrunk = shrunkFiles(backends)
        let cause =
            shrunk.isEmpty
            ? "the host has no page there (is the disk full, or has the file's device failed?)"
            : shrunk.joined(separator: "; ")
        return "the host could not access \(place): \(cause)"
    }

    /// A sentence for each file that has become shorter than what is mapped of it.
    static func shrunkFiles(_ backends: [any MemoryBackend]) -> [String] {
        backends.compactMap { backend in
            guard let path = backend.path, let required = backend.requiredFileByteCount,
                let actual = backend.currentFileByteCount(), actual < required
            else { return nil }
            return "'\(path)' has \(actual) bytes now, \(required) are in use: it was made shorter"
        }
    }
}
