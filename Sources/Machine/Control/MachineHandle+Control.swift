import Assembly
public import Options
public import QEMUDialect

extension MachineHandle: MachineControl {
    // MARK: Objects and devices

    /// The object is made on the caller's thread, since that may take long: the control plane serves others meanwhile.
    public func addObject(_ options: any ObjectOptions) throws(ControlError) -> [String] {
        try perform { (plane) throws(MachineError) in try plane.registry.reserve(options) }
        let object: any ConfiguredObject
        do throws(AssemblyError) { object = try ObjectRegistry.make(options) } catch {
            try perform { (plane) throws(MachineError) in plane.registry.cancelReservation(options.id) }
            throw ControlError(MachineError(error))
        }
        try perform { (plane) throws(MachineError) in plane.registry.add(object) }
        return []
    }

    /// The caller's thread releases the object.
    public func removeObject(_ id: String) throws(ControlError) {
        let (object, log) = try perform { (plane) throws(MachineError) in
            (try plane.registry.removeObject(id), plane.parts.log)
        }
        if let report = object.release() { log.log(level: report.level, "\(id): \(report.text)") }
    }

    public func addDevice(_ options: any DeviceOptions) throws(ControlError) -> [String] {
        try perform { (plane) throws(MachineError) in
            let device = try plane.registry.addDevice(options)
            do throws(MachineError) { try plane.cycle?.plug(device) } catch {
                plane.registry.removeDevice(device.name)
                throw error
            }
            return device.configured.warnings
        }
    }

    public func removeDevice(_ id: String) throws(ControlError) {
        try perform { (plane) throws(MachineError) in try plane.requestRemoval(of: id) }
    }

    // MARK: Durability

    public func clearFailure(of id: String) throws(ControlError) {
        try perform { (plane) throws(MachineError) in
            guard let failure = try plane.registry.flushControl(of: id).clearFailure() else { return }
            plane.parts.log.notice("\(id): flushes may succeed again, the failure (\(failure)) is forgotten on request")
        }
    }

    public func setFlushLimit(_ limit: FlushLimitOptions, of id: String) throws(ControlError) {
        try perform { (plane) throws(MachineError) in
            try plane.registry.flushControl(of: id).setLimit(limit)
        }
    }

    // MARK: Running

    /// A flush in flight goes on and ends; its interrupt waits.
    public func stop() throws(ControlError) {
        try perform { (plane) throws(MachineError) in
            guard plane.runState.isRunning else { return }
            plane.cycle?.pause()
            plane.runState = .paused
            plane.observers.tell(.stop)
        }
    }

    public func resume() throws(ControlError) {
        try perform { (plane) throws(MachineError) in
            guard !plane.runState.isRunning else { return }
            try plane.checkFilesBeforeResuming()
            plane.runState = .running
            plane.observers.tell(.resume)
            plane.cycle?.resume()
        }
    }

    public func powerDown() throws(ControlError) {
        try perform { (plane) throws(MachineError) in
            plane.cycle?.pressPowerButton()
            plane.observers.tell(.powerDown)
        }
    }

    public func reset() throws(ControlError) {
        try perform { (plane) throws(MachineError) in plane.reset(.hostQMPSystemReset) }
    }

    public func quit() throws(ControlError) {
        try perform { (plane) throws(MachineError) in
            plane.observers.tell(.shutdown(.hostQMPQuit))
            plane.decide(.end(.quit))
        }
    }

    public func cutPower(_ options: PowerCutOptions) throws(ControlError) -> [PowerCutReport] {
        try perform { (plane) throws(MachineError) in try plane.cutPower(options) }
    }

    // MARK: Questions

    public var runStatus: RunStatus { ask(.shutdown) { $0.runState } }
    public var processors: [ProcessorStatus] { ask([]) { $0.processorStatus } }
    public var memoryBackends: [MemoryOptions] { ask([]) { $0.memoryBackendStatus } }
    public var memoryDevices: [MemoryDeviceStatus] { ask([]) { $0.memoryDeviceStatus } }
    public var pciFunctions: [PCIFunctionStatus] { ask([]) { $0.pciFunctionStatus } }

    // MARK: Events

    public func watch(_ handler: @escaping @Sendable (MonitorEvent) -> Void) -> UInt64 { observers.add(handler) }
    public func stopWatching(_ number: UInt64) { observers.remove(number) }
}
