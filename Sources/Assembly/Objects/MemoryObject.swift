import Backend
import Host
import Logging
import Options
import QEMUDialect
import VirtioPMem

extension ObjectRow {
    /// `memory-backend-file`, `-memfd` and `-ram`.
    static let memoryBackends = ObjectRow { options throws(AssemblyError) in
        guard let memory = options.memoryBackend else { return nil }
        do throws(MemoryBackendError) {
            return try makeMemoryBackend(options).map { MemoryObject($0, policy: FlushPolicy(memory)) }
        } catch { throw .object("\(error)") }
    }
}

/// A memory-backend object, with what became of the flushes of its guests: a device that comes back finds it as it
/// left it.
final class MemoryObject: ConfiguredObject {
    let durability: Durability

    var id: String { backend.id }
    var backend: any MemoryBackend { durability.backend }
    var memory: (any MemoryBackend)? { backend }
    var flushControl: (any FlushControl)? { self }
    /// The file, or what stands for one.
    var path: String { backend.path ?? "memory backend '\(backend.id)'" }

    init(_ backend: any MemoryBackend, policy: FlushPolicy) {
        durability = Durability(of: backend, policy: policy)
    }

    func synchronize() -> DeviceReport? {
        synchronize {
            "\(path) could not be synchronized: \($0); what the guest wrote since its last flush may be lost"
        }
    }

    /// - Parameters:
    ///   - id: of the device that stored.
    ///   - sentence: about a failure, whose reason it gets.
    func synchronize(for id: String? = nil, _ sentence: (String) -> String) -> DeviceReport? {
        do throws(SystemCallError) {
            try durability.synchronize()
            return nil
        } catch {
            return DeviceReport(.error, sentence("\(error.errno)"), event: .flushFailed(failure(error, of: id)))
        }
    }

    func failure(_ error: SystemCallError, of id: String?) -> FlushFailure {
        FlushFailure(id: id, memoryBackend: backend.id, path: backend.path, errorName: error.errorName)
    }

    func release() -> DeviceReport? {
        defer { backend.discardIfAsked() }
        guard let count = backend.powerCutTest?.unflushedPageCount, count > 0 else { return nil }
        return DeviceReport(
            .notice, "unflushed pages, which are not in \(path) since it has durability=power-cut-test: \(count)")
    }
}

extension MemoryObject: FlushControl {
    func clearFailure() -> SystemCallError? { durability.latch.clear() }

    func setLimit(_ limit: FlushLimitOptions) { durability.limiter.limit = FlushLimit(limit) }

    func takeTurn() -> UInt64 { durability.syncs ? durability.limiter.takeTurn() : 0 }
}

extension FlushPolicy {
    /// Memory without a file, and discard-data=on, say that the data is to be thrown away. A private copy of a file
    /// (share=off) alone does not say it: the guest would take its flushes for kept.
    fileprivate init(_ options: any MemoryBackendOptions) {
        switch options {
        case let options as FileBackendOptions: self = options.discardsData ? .discardOnPowerOff : .syncBackend
        default: self = .discardOnPowerOff
        }
    }
}

extension FlushLimit {
    init(_ options: FlushLimitOptions) { self.init(rate: options.rate, burst: options.burst) }
}
