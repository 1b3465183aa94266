import Assembly
import Backend
import Host
import Logging
import QEMUDialect
import VirtioPMem

/// What a person is told of a device's events, and monitors with them.
enum PMemLog {
    /// What a power-cut-test file lacks at the end of its memory; nil if it lacks nothing.
    static func unflushed(_ backend: any MemoryBackend) -> String? {
        guard let count = backend.powerCutTest?.unflushedPageCount, count > 0 else { return nil }
        return
            "\(backend.id): unflushed pages, which are not in \(backend.path ?? "its file") since it has durability=power-cut-test: \(count)"
    }

    static func report(_ event: PMemEvent, of memory: PersistentMemory, to parts: PowerCycle.Parts) {
        if case .syncFailed(let error) = event {
            parts.observers.tell(.flushFailed(FlushFailure(of: memory.backend, id: memory.options.id, error)))
        }
        let path = memory.backend.path ?? "memory backend '\(memory.backend.id)'"
        let (level, text) = event.sentence(path: path, remedy: "the monitor's x-needletail-clear-failure")
        if event.isGuestsDoing { return memory.report(level, text, to: parts.log) }
        parts.log.log(level: level, "\(memory.name): \(text)")
    }
}

extension FlushFailure {
    init(of backend: any MemoryBackend, id: String?, _ error: SystemCallError) {
        self.init(id: id, memoryBackend: backend.id, path: backend.path, errorName: error.errorName)
    }
}
