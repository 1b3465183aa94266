import Options
import QEMUDialect
import Synchronization

/// A machine that behaves as the real one does towards its monitors, without a guest: names, rules, addresses, events.
/// The test plays the guest.
final class FakeMachine: MachineControl {
    private struct State {
        var inventory = DeviceInventory()
        var placed: [(options: VirtioPMemOptions, address: UInt64, slot: UInt8)] = []
        var pendingRemovals: Set<String> = []
        var runStatus: RunStatus
        var nextAddress: UInt64 = 1 << 32
        var hasQuit = false
        var commands: [String] = []
        var watchers: [UInt64: @Sendable (MonitorEvent) -> Void] = [:]
        var nextWatcher: UInt64 = 0
    }

    let name: String?
    let processors: [ProcessorStatus]
    private let state: Mutex<State>

    init(name: String? = "box", processors: Int = 2, runStatus: RunStatus = .running) {
        self.name = name
        self.processors = (0..<processors).map { ProcessorStatus(index: $0, threadID: Int32(100 + $0)) }
        state = Mutex(State(runStatus: runStatus))
    }

    var runStatus: RunStatus { state.withLock { $0.runStatus } }
    var hasQuit: Bool { state.withLock { $0.hasQuit } }
    var watcherCount: Int { state.withLock { $0.watchers.count } }

    func addObject(_ options: any ObjectOptions) throws(ControlError) -> [String] {
        try change { (state) throws(DialectError) in
            try state.inventory.add(options)
            return (options.memoryBackend?.byteCount ?? 0) % (2 << 20) == 0
                ? [] : ["warning: size is no multiple of 2 MiB"]
        }
    }

    func removeObject(_ id: String) throws(ControlError) {
        try change { (state) throws(DialectError) in try state.inventory.removeObject(id) }
    }

    func addDevice(_ device: any DeviceOptions) throws(ControlError) -> [String] {
        guard let options = device as? VirtioPMemOptions else { throw .dialect(.modelNotImplemented(device.model)) }
        guard options.memoryAddress % (2 << 20) == 0 else { throw .addressUnaligned(alignment: 2 << 20) }
        return try change { (state) throws(DialectError) in
            var next = state.inventory
            try next.add(options)
            let slots = Set(state.placed.map(\.slot) + next.devices.compactMap { $0.options.slot?.device })
            guard let slot = options.slot?.device ?? (1..<32).first(where: { !slots.contains($0) }) else {
                throw .noSlotFree(model: options.model)
            }
            state.inventory = next
            let size = next.backend(options.memoryBackend)?.byteCount ?? 0
            let address = options.memoryAddress == 0 ? state.nextAddress : options.memoryAddress
            state.nextAddress = max(state.nextAddress, address + size)
            state.placed.append((options, address, slot))
            return []
        }
    }

    func removeDevice(_ id: String) throws(ControlError) {
        try change { (state) throws(DialectError) in
            guard state.placed.contains(where: { $0.options.id == id }) else { throw .deviceNotFound(id) }
            guard state.pendingRemovals.insert(id).inserted else { throw .unplugPending(id) }
        }
    }

    func clearFailure(of id: String) throws(ControlError) { try note("clear \(id)", id) }

    func setFlushLimit(_ limit: FlushLimitOptions, of id: String) throws(ControlError) {
        try note("limit \(id) \(limit.rate) \(limit.burst)", id)
    }

    /// What was asked of a device that there is.
    var notes: [String] { state.withLock { $0.commands } }

    private func note(_ text: String, _ id: String) throws(ControlError) {
        try change { (state) throws(DialectError) in
            guard state.placed.contains(where: { $0.options.id == id }) else { throw .deviceNotFound(id) }
            state.commands.append(text)
        }
    }

    func cutPower(_ options: PowerCutOptions) throws(ControlError) -> [PowerCutReport] {
        let backends = state.withLock { state in
            state.inventory.objects.compactMap { $0 as? FileBackendOptions }.filter(\.isPowerCutTest)
        }
        guard !backends.isEmpty else { throw .failed("no memory backend has durability=power-cut-test") }
        state.withLock { $0.commands.append("cut \(options.mode.rawValue) \(options.seed)") }
        quit()
        return backends.map {
            PowerCutReport(memoryBackend: $0.id, path: $0.path, unflushed: 4, kept: 1, torn: 1)
        }
    }

    /// What `stop` does first.
    let beforeStop = Mutex<@Sendable () -> Void>({})

    func stop() {
        beforeStop.withLock { $0 }()
        setRunning(false, .stop)
    }
    func resume() { setRunning(true, .resume) }
    func powerDown() { tell(.powerDown) }
    func reset() { tell(.reset(.hostQMPSystemReset)) }

    func quit() {
        state.withLock { $0.hasQuit = true }
        tell(.shutdown(.hostQMPQuit))
    }

    private func change<Answer>(
        _ body: (inout State) throws(DialectError) -> Answer
    ) throws(ControlError) -> Answer {
        let result: Result<Answer, DialectError> = state.withLock { state in
            do throws(DialectError) { return .success(try body(&state)) } catch { return .failure(error) }
        }
        do throws(DialectError) { return try result.get() } catch { throw .dialect(error) }
    }

    private func setRunning(_ runs: Bool, _ event: MonitorEvent) {
        let hasChanged = state.withLock { state in
            defer { state.runStatus = runs ? .running : state.runStatus.isRunning ? .paused : state.runStatus }
            return state.runStatus.isRunning != runs
        }
        if hasChanged { tell(event) }
    }
}

extension DeviceInventory {
    fileprivate func backend(_ id: String) -> (any MemoryBackendOptions)? {
        objects.first { $0.id == id }?.memoryBackend
    }
}

// MARK: - Answers

extension FakeMachine {
    var memoryBackends: [MemoryOptions] {
        state.withLock { state in
            state.inventory.objects.compactMap { $0.memoryBackend?.memory } + [.guestRAM(byteCount: 512 << 20)]
        }
    }

    var memoryDevices: [MemoryDeviceStatus] {
        state.withLock { state in
            state.placed.map { device in
                let backend = state.inventory.backend(device.options.memoryBackend)
                let file = backend as? FileBackendOptions
                // As if the guest had not switched the BAR on yet.
                let isBAR = device.options.offersSharedMemoryRegion
                var status = MemoryDeviceStatus(
                    id: device.options.id, address: isBAR ? nil : device.address, size: backend?.byteCount ?? 0,
                    memoryBackend: device.options.memoryBackend, slot: PCISlot(device: device.slot),
                    path: file?.path, reachesFile: file?.isShared == true,
                    isBeingRemoved: device.options.id.map { state.pendingRemovals.contains($0) } ?? false,
                    flushes: .init(completed: 3, failed: 0))
                status.sharedMemoryBAR = isBAR ? 4 : nil
                return status
            }
        }
    }

    var pciFunctions: [PCIFunctionStatus] {
        let bridge = PCISlot(device: 0).map {
            PCIFunctionStatus(slot: $0, classCode: 0x0600, vendor: 0x1b36, device: 0x0008)
        }
        let devices = memoryDevices.compactMap { device in
            device.slot.map { slot in
                var status = PCIFunctionStatus(
                    slot: slot, classCode: 0x00ff, vendor: 0x1af4, device: 0x105b, subsystemVendor: 0x1af4,
                    subsystem: 0x1100, id: device.id,
                    regions: [.init(bar: 4, is64Bit: true, isPrefetchable: true, size: 0x4000, address: nil)])
                status.model = VirtioPMemOptions.model
                return status
            }
        }
        return (bridge.map { [$0] } ?? []) + devices
    }
}

// MARK: - Events

extension FakeMachine {
    func watch(_ handler: @escaping @Sendable (MonitorEvent) -> Void) -> UInt64 {
        state.withLock { state in
            state.nextWatcher += 1
            state.watchers[state.nextWatcher] = handler
            return state.nextWatcher
        }
    }

    func stopWatching(_ number: UInt64) { state.withLock { _ = $0.watchers.removeValue(forKey: number) } }

    func tell(_ event: MonitorEvent) {
        for watcher in state.withLock({ Array($0.watchers.values) }) { watcher(event) }
    }

    /// The guest lets go of a device that it was asked for.
    func guestEjects(_ id: String) {
        state.withLock { state in
            guard let index = state.placed.firstIndex(where: { $0.options.id == id }) else { return }
            state.placed.remove(at: index)
            state.inventory.removeDevice(named: id)
            state.pendingRemovals.remove(id)
        }
        tell(.deviceDeleted(id: id))
    }

    func guestRefuses(_ id: String) {
        state.withLock { _ = $0.pendingRemovals.remove(id) }
        tell(.unplugRefused(id: id))
    }
}
