public import Options

/// What a monitor asks of a machine. Calls may come from any thread and may block briefly; none is called from inside
/// an event's handler.
public protocol MachineControl: AnyObject, Sendable {
    // MARK: Objects and devices

    /// Makes an object; on an error nothing has changed.
    ///
    /// - Returns: what the user should know although it worked.
    func addObject(_ options: any ObjectOptions) throws(ControlError) -> [String]
    /// Gives up an object that no device uses.
    func removeObject(_ id: String) throws(ControlError)
    /// Plugs a device in; on an error nothing has changed.
    ///
    /// - Returns: what the user should know although it worked.
    func addDevice(_ options: any DeviceOptions) throws(ControlError) -> [String]
    /// Asks the guest to let go of a device. ``MonitorEvent/deviceDeleted(id:)`` or
    /// ``MonitorEvent/unplugRefused(id:)`` says what became of it.
    func removeDevice(_ id: String) throws(ControlError)

    // MARK: Durability

    /// Lets flushes succeed again after one has failed: the user has dealt with what may be lost.
    ///
    /// - Parameter id: of the device or of its memory backend.
    func clearFailure(of id: String) throws(ControlError)
    /// Changes how often a device's flushes may synchronize its file.
    func setFlushLimit(_ limit: FlushLimitOptions, of id: String) throws(ControlError)

    // MARK: Running

    /// Stops the vCPUs; does nothing when they are stopped.
    func stop() throws(ControlError)
    /// Lets the vCPUs go on; does nothing when they run.
    func resume() throws(ControlError)
    /// Presses the power button.
    func powerDown() throws(ControlError)
    /// Starts the machine over without asking the guest.
    func reset() throws(ControlError)
    /// Ends the machine without asking the guest. Returns before it has ended.
    func quit() throws(ControlError)

    /// Ends the machine, with the files of memory backends that have `durability=power-cut-test` as a power cut might
    /// leave them. Returns when they are so; the machine ends soon afterwards.
    ///
    /// - Returns: what came of each file.
    func cutPower(_ options: PowerCutOptions) throws(ControlError) -> [PowerCutReport]

    // MARK: Questions

    /// `-name`; nil: not given.
    var name: String? { get }
    var runStatus: RunStatus { get }
    /// In order of index.
    var processors: [ProcessorStatus] { get }
    /// The machine's RAM, as ``MemoryOptions/guestRAM(byteCount:)``, and every memory-backend object.
    var memoryBackends: [MemoryOptions] { get }
    /// In the order in which they were added.
    var memoryDevices: [MemoryDeviceStatus] { get }
    /// In order of slot and function.
    var pciFunctions: [PCIFunctionStatus] { get }

    // MARK: Events

    /// Watches the machine. `handler` is called on the thread on which the event happens, before the call that caused
    /// it returns; it does not block and does not call back.
    ///
    /// - Returns: what `stopWatching` takes.
    func watch(_ handler: @escaping @Sendable (MonitorEvent) -> Void) -> UInt64
    /// The handler of that number is not called any more; unknown numbers do nothing.
    func stopWatching(_ number: UInt64)
}

/// QEMU's run states, as far as this machine has them.
public enum RunStatus: String, Equatable, Sendable {
    case running, paused, shutdown
    /// `-S`: it never ran.
    case prelaunch
    /// It waits for a page of its memory that the host does not have; `cont` tries again.
    case ioError = "io-error"

    public var isRunning: Bool { self == .running }
}
