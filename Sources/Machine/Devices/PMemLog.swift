import Backend
import Host
import Logging
import QEMUDialect
import VirtioPMem

/// What a person is told of a device's events, and monitors with them.
enum PMemLog {
    static func report(_ event: PMemEvent, of memory: PersistentMemory, to parts: PowerCycle.Parts) {
        let log = parts.log
        let path = memory.backend.description.path ?? "memory backend '\(memory.backend.id)'"
        switch event {
        case .syncFailed(let error):
            parts.observers.tell(.flushFailed(FlushFailure(of: memory.backend, id: memory.options.id, error)))
            log.error(
                "\(memory.name): \(path) could not be synchronized: \(error.errno). What the guest wrote since its last flush may be lost; every flush fails from now on, until the monitor's x-needletail-clear-failure"
            )
        case .notDurable:
            memory.report(
                .warning,
                "the guest asked for durability, but nothing that it writes reaches a file (share=off): its flushes fail. Say share=on to keep the data, or discard-data=on if it is to be thrown away",
                to: log)
        case .malformedRequest(let error): memory.report(.warning, "a request that makes no sense: \(error)", to: log)
        case .malformedChain(let error):
            memory.report(.warning, "a descriptor chain that makes no sense: \(error)", to: log)
        case .unwritableAnswer(let error): memory.report(.warning, "an answer could not be written: \(error)", to: log)
        case .queueBroken(let error):
            memory.report(.warning, "the driver broke its queue, the device needs a reset: \(error)", to: log)
        case .doorbellFailed(let error): log.error("\(memory.name): the doorbell failed: \(error)")
        }
    }
}

extension FlushFailure {
    init(of backend: any MemoryBackend, id: String?, _ error: SystemCallError) {
        self.init(id: id, memoryBackend: backend.id, path: backend.description.path, errorName: error.errorName)
    }
}
