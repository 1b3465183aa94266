import Backend
import Host
import QEMUDialect

// `durability=power-cut-test`: the machine ends, and what becomes of the guest's stores that it had not flushed is
// drawn by lot.

extension ControlPlane {
    /// Ends the machine with its power-cut-test files as a power cut might have left them. Waits for a flush under way.
    ///
    /// - Throws: `noPowerCutTest` if there is no such file, `startingOver` between two power cycles, `ended` after the
    ///   last; nothing has happened then. `powerCut` when a file could not be written; the machine ends with that
    ///   failure.
    func cutPower(_ options: PowerCutOptions) throws(MachineError) -> [PowerCutReport] {
        let files = registry.objects.memoryBackends.compactMap { backend in backend.powerCutTest.map { (backend, $0) }
        }
        guard !files.isEmpty else { throw .noPowerCutTest }
        if case .end = verdict { throw .ended }
        guard let cycle else { throw .startingOver }
        // For good: the guest must not see the answer to a flush that the files will not have.
        cycle.endProcessors()
        leaveCycle()
        let outcome = answeringRequests {
            Result { () throws(MachineError) in
                try files.map { (backend, file) throws(MachineError) in try Self.cut(file, of: backend, options) }
            }
        }
        do throws(MachineError) {
            let reports = try outcome.get()
            for report in reports { parts.log.notice("power cut: \(powerCutText(report))") }
            observers.tell(.shutdown(.hostQMPQuit))
            decide(.end(.quit))
            return reports
        } catch {
            observers.tell(.shutdown(.hostError))
            decide(.end(.failed("\(error)")))
            throw error
        }
    }

    private static func cut(
        _ file: PowerCutTest, of backend: any MemoryBackend, _ options: PowerCutOptions
    ) throws(MachineError) -> PowerCutReport {
        let path = backend.path ?? ""
        let mode: PowerCut.Mode =
            switch options.mode {
            case .drop: .drop
            case .subset: .subset
            case .torn: .torn
            }
        do throws(SystemCallError) {
            let outcome = try file.cut(PowerCut(mode: mode, seed: options.seed))
            return PowerCutReport(
                memoryBackend: backend.id, path: path, unflushed: outcome.unflushed, kept: outcome.kept,
                torn: outcome.torn)
        } catch { throw .powerCut(path: path, error) }
    }
}
