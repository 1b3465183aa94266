import Assembly
import Board
import Host
import KVM
public import Logging
public import QEMUDialect

/// A virtual machine, from its configuration to its end. The thread that calls `run` becomes its control plane.
public final class VirtualMachineMonitor {
    private let hypervisor: Hypervisor
    private let signals: EndingSignals
    private let pidFile: PIDFile?
    private let plane: ControlPlane
    /// For other threads.
    public let handle: MachineHandle

    /// Makes everything that can fail before the guest starts. Call it before any thread is started, so that signals
    /// arrive here.
    ///
    /// - Throws: why the machine cannot be; nothing has run then.
    public init(_ configuration: MachineConfiguration, log: Logger) throws(MachineError) {
        let sources = try Self.makeEventSources()
        let processorCount = Int(configuration.processors.processors)
        let boot = try BootFiles(configuration)
        let opened = try Self.openHypervisor(processorCount: processorCount)
        let layout = try Self.makeLayout(configuration, opened)
        let registry = try DeviceRegistry(configuration.inventory, layout: layout, log: log)
        let pidFile = try Self.makePIDFile(configuration)
        let observers = EventObservers()
        let parts = PowerCycle.Parts(
            layout: layout, processorCount: processorCount, boot: boot, console: try Self.openConsole(configuration),
            events: sources.events, observers: observers, log: log)
        plane = ControlPlane(configuration, parts, registry: registry, signals: sources.signals)
        handle = MachineHandle(name: configuration.name, sources.events, observers)
        hypervisor = opened
        signals = sources.signals
        self.pidFile = pidFile
    }

    /// Gives the console a monitor that Ctrl-A c switches to, where they share a line. To be called before `run`.
    public func shareConsole(with makeMonitor: @escaping ConsoleMonitorMaker) {
        plane.parts.console?.share(with: makeMonitor)
    }

    /// Runs the guest until it, a signal, a monitor or the user ends it; then every shared file is synchronized.
    public func run() -> Ending {
        signals.beginWatch()
        defer { plane.parts.console?.close() }
        var ending = waitForClient()
        while ending == nil {
            do throws(MachineError) { ending = try runPowerCycle() } catch { ending = .failed("\(error)") }
        }
        plane.close()
        let failures = synchronizeFiles()
        return failures.isEmpty ? ending ?? .poweredOff : .failed(failures.joined(separator: "\n"))
    }

    /// With `-serial unix:PATH,server=on` nothing runs before a client has connected.
    ///
    /// - Returns: what ended the wait instead; nil when the machine may start.
    private func waitForClient() -> Ending? {
        do throws(SystemCallError) {
            try plane.parts.console?.waitForClient(unless: signals.interest)
        } catch { return .failed("-serial: \(error)") }
        return signals.first.map { .signal($0) }
    }

    /// - Returns: nil when the machine is to start over.
    private func runPowerCycle() throws(MachineError) -> Ending? {
        let machine = try mapError(
            VirtualMachine(
                hypervisor, taskStateAddress: BoardLayout.kvmTaskState.start.rawValue,
                identityMapAddress: BoardLayout.kvmIdentityMap.start.rawValue), to: MachineError.kvm)
        return try plane.runPowerCycle(machine)
    }

    /// What the guest wrote without a flush is not lost either when the machine ends in order.
    private func synchronizeFiles() -> [String] {
        var failures: [String] = []
        let objects = plane.registry.objects.objects
        for (index, object) in objects.enumerated() {
            if let failure = object.synchronize() {
                if let event = failure.event { plane.observers.tell(event) }
                failures.append(failure.text)
            }
            if let report = object.release() {
                plane.parts.log.log(level: report.level, "\(object.id): \(report.text)")
            }
            signals.setUnsynchronizedFiles(objects.dropFirst(index + 1).compactMap { $0.memory?.path })
        }
        return failures
    }
}

// MARK: - Construction

extension VirtualMachineMonitor {
    private static func openHypervisor(processorCount: Int) throws(MachineError) -> Hypervisor {
        do throws(KVMError) {
            let hypervisor = try Hypervisor()
            let maximum = hypervisor.maximumProcessorCount
            guard processorCount <= maximum else {
                throw KVMError.tooManyProcessors(requested: processorCount, maximum: maximum)
            }
            return hypervisor
        } catch { throw .kvm(error) }
    }

    private static func makeLayout(
        _ configuration: MachineConfiguration, _ hypervisor: borrowing Hypervisor
    ) throws(MachineError) -> BoardLayout {
        return try mapError(
            BoardLayout(
                ramByteCount: configuration.memory.bytes, physicalAddressBits: hypervisor.physicalAddressBits),
            to: MachineError.layout)
    }

    private struct EventSources {
        let signals: EndingSignals
        let events: ControlEvents
    }

    private static func makeEventSources() throws(MachineError) -> EventSources {
        do throws(SystemCallError) {
            SignalDescriptor.ignoreBrokenPipes()
            return EventSources(signals: try EndingSignals(), events: try ControlEvents())
        } catch { throw .host(error) }
    }

    private static func makePIDFile(_ configuration: MachineConfiguration) throws(MachineError) -> PIDFile? {
        guard let path = configuration.pidFilePath else { return nil }
        do throws(PIDFileError) { return try PIDFile(path: path) } catch { throw .pidFile(path: path, error) }
    }

    private static func openConsole(_ configuration: MachineConfiguration) throws(MachineError) -> Console? {
        guard let target = configuration.serial else { return nil }
        return try Console(target, isShared: configuration.serialSharesTerminalWithMonitor)
    }
}
