import Backend
import GuestMemory
import Host
import KVM
import QEMUDialect

// A vCPU cannot go on because the host has no page for its access: the file of a device was made shorter, or its disk
// is full. If there is an operator, the machine pauses, as QEMU does for a full disk; `cont` retries the access.

extension ControlPlane {
    /// Whether to pause until the page is back: there is an operator, and the page is a device's.
    ///
    /// - Parameter address: guest-physical; nil where the kernel does not tell.
    func waitsForPage(at address: UInt64?) -> Bool {
        guard hasOperator else { return false }
        return address == nil || device(at: address) != nil
    }

    func pauseForPage(at address: UInt64?, _ cycle: PowerCycle) {
        // Another vCPU's fault, or a command, has paused the machine already; `cont` finds what is still missing.
        guard runState.isRunning else { return }
        cycle.pause()
        runState = .ioError
        // Of an access at an unknown address the likely place is a file that is too short.
        let device =
            device(at: address)
            ?? registry.devices.first { !ProcessorFailure.shrunkFiles($0.memory.map { [$0.backend] } ?? []).isEmpty }
        let reason = ProcessorFailure.missingPage(address, backends: registry.objects.memoryBackends)
        parts.log.error(
            "\(device.map { $0.name + ": " } ?? "")\(reason). The machine waits; mend that, then say cont in a monitor")
        observers.tell(
            .memoryFault(
                MemoryFault(
                    id: device?.id, path: device?.memory?.backend.path, address: address, reason: reason)))
        observers.tell(.stop)
    }

    /// Looks, once a second, for vCPUs that KVM keeps waiting for a page that never comes.
    func checkProcessors(_ cycle: PowerCycle) {
        guard timeToLook() == 0 else { return }
        nextLook = MonotonicTime.nanoseconds &+ 1_000_000_000
        guard stuckProcessors.look(cycle.pageFaults) else { return }
        stuckProcessors = StuckProcessors()
        if hasOperator { return pauseForPage(at: nil, cycle) }
        observers.tell(.shutdown(.hostError))
        decide(.end(.failed(ProcessorFailure.missingPage(nil, backends: registry.objects.memoryBackends))))
    }

    /// How long it is until then, in milliseconds; nil while nothing has to be looked for.
    func timeToLook() -> Int32? {
        guard runState.isRunning, registry.objects.memoryBackends.contains(where: { $0.path != nil }) else {
            return nil
        }
        let now = MonotonicTime.nanoseconds
        return now >= nextLook ? 0 : Int32(clamping: (nextLook - now + 999_999) / 1_000_000)
    }

    /// A file that is still too short: a vCPU that touches what is gone may never come back out of KVM.
    ///
    /// - Throws: `fileTooShort`.
    func checkFilesBeforeResuming() throws(MachineError) {
        guard runState == .ioError else { return }
        let shrunk = ProcessorFailure.shrunkFiles(registry.objects.memoryBackends)
        if !shrunk.isEmpty { throw .filesTooShort(shrunk) }
    }

    private func device(at address: UInt64?) -> MachineDevice? {
        guard let address else { return nil }
        return registry.devices.first { $0.range?.contains(GuestAddress(address)) ?? false }
    }
}
