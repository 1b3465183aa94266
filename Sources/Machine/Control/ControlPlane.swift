import Assembly
import Backend
import Board
import Host
import KVM
import Logging
import QEMUDialect

/// The one thread that changes the machine: it powers on, waits, and acts on what the guest, the terminal, signals and
/// monitors want, one thing after the other.
final class ControlPlane {
    /// What an event means for the power cycle.
    enum Verdict {
        case goOn, reset
        case end(Ending)
    }

    let parts: PowerCycle.Parts
    var observers: EventObservers { parts.observers }
    var registry: DeviceRegistry
    /// nil between two power cycles, and after the last.
    private(set) var cycle: PowerCycle?
    var runState: RunStatus
    /// Devices that the guest was asked to let go of, by name.
    var pendingRemovals: Set<String> = []
    /// What a request wants to become of the power cycle.
    var verdict = Verdict.goOn
    /// Looks at the vCPUs once a second, where they may wait for pages of files.
    var stuckProcessors = StuckProcessors()
    var nextLook: UInt64 = 0
    private var hasReleasedStartUpMemory = false
    let topology: ProcessorTopology
    /// Whether there is a monitor from which a paused machine can be continued.
    let hasOperator: Bool
    private let endsOnReboot: Bool
    private let signals: EndingSignals
    private let tripleFaults = MessageQuota()

    init(
        _ configuration: MachineConfiguration, _ parts: PowerCycle.Parts, registry: DeviceRegistry,
        signals: EndingSignals
    ) {
        self.parts = parts
        self.signals = signals
        self.registry = registry
        hasOperator =
            !configuration.monitors.isEmpty || !configuration.qmps.isEmpty
            || (configuration.serialSharesTerminalWithMonitor && RawTerminal.isStandardInput)
        topology = configuration.processors
        endsOnReboot = configuration.endsOnReboot
        runState = configuration.startsPaused ? .prelaunch : .running
    }

    /// Runs one power cycle.
    ///
    /// - Returns: how the machine ends; nil when it is to start over.
    func runPowerCycle(_ machine: VirtualMachine) throws(MachineError) -> Ending? {
        // The guest that waited for a page is gone.
        if runState == .ioError { runState = .paused }
        stuckProcessors = StuckProcessors()
        let cycle = try PowerCycle(machine, parts, devices: registry.devices, paused: !runState.isRunning)
        self.cycle = cycle
        waitForVerdict(cycle)
        cycle.endProcessors()
        leaveCycle()
        let endOfDevices = cycle.endOfDevices
        answeringRequests(during: endOfDevices)
        parts.console?.discardInput()
        finishRemovals()
        // Of the events left over, only requests count (one may end the machine); the others are about the old cycle.
        answerRequests(parts.events.takeAll())
        if case .end(let ending) = verdict { return ending }
        return nil
    }

    /// Has a thread do what may wait for a disk. Requests are answered meanwhile; they find no power cycle.
    func answeringRequests<Outcome: Sendable>(during work: @escaping @Sendable () -> Outcome) -> Outcome {
        let outcome = ConditionLock<Outcome?>(nil)
        do throws(SystemCallError) {
            let isDone = try EventFD()
            let thread = try HostThread(name: "power off") {
                let result = work()
                outcome.withLock { $0 = result }
                isDone.signal()
            }
            let interests = [parts.events.interest, Poll.Interest(isDone.rawDescriptor)]
            while let ready = try? Poll.wait(interests), !ready[1] { answerRequests(parts.events.takeAll()) }
            thread.join()
        } catch {
            // The host has no thread or no descriptor left: then everyone waits.
        }
        return outcome.withLock { $0 } ?? work()
    }

    /// What comes from here on finds no power cycle.
    func leaveCycle() { cycle = nil }

    /// Answers requests that came too late.
    func close() { answerRequests(parts.events.close()) }

    private func answerRequests(_ events: [ControlEvent]) {
        for event in events { if case .request(let body) = event { body(self) } }
    }

    /// Acts on what comes until there is a verdict.
    private func waitForVerdict(_ cycle: PowerCycle) {
        verdict = .goOn
        while case .goOn = verdict {
            signals.setUnsynchronizedFiles(registry.objects.memoryBackends.compactMap(\.path))
            do throws(SystemCallError) { try wait() } catch { return decide(.end(.failed("\(error)"))) }
            if let signal = signals.first {
                observers.tell(.shutdown(.hostSignal))
                return decide(.end(.signal(signal)))
            }
            for event in parts.events.takeAll() { handle(event, cycle) }
            receiveInput(cycle)
            checkFiles(cycle)
            checkProcessors(cycle)
        }
    }

    private func wait() throws(SystemCallError) {
        let input = parts.console?.interest.map { [$0] } ?? []
        let files = registry.fileWatch.map { [$0.interest] } ?? []
        let interests = [signals.interest, parts.events.interest] + input + files
        let timeout = hasReleasedStartUpMemory ? timeToLook() : min(timeToLook() ?? 1000, 1000)
        let isQuiet = try !Poll.wait(interests, timeout: timeout).contains(true)
        // The machine has found its pace: what it took to get there is not needed any more.
        if isQuiet, timeout != 0, !hasReleasedStartUpMemory {
            StartUpMemory.release()
            hasReleasedStartUpMemory = true
        }
    }

    /// Stops or ends the machine when a file has become too short for it. A vCPU that touches what is gone may never
    /// come back (`StuckProcessors`).
    private func checkFiles(_ cycle: PowerCycle) {
        guard let watch = registry.fileWatch, watch.takeChanges() else { return }
        let shrunk = ProcessorFailure.shrunkFiles(registry.objects.memoryBackends)
        guard !shrunk.isEmpty else { return }
        if hasOperator { return pauseForPage(at: nil, cycle) }
        observers.tell(.shutdown(.hostError))
        decide(.end(.failed(shrunk.joined(separator: "\n"))))
    }

    private func receiveInput(_ cycle: PowerCycle) {
        guard let console = parts.console, let uart = cycle.uart, let interest = console.interest,
            (try? Poll.wait([interest], timeout: 0)) == [true]
        else { return }
        guard console.receive(for: uart) else { return }
        observers.tell(.shutdown(.hostUI))
        decide(.end(.quit))
    }

    private func handle(_ event: ControlEvent, _ cycle: PowerCycle) {
        switch event {
        case .power(let event): handle(event)
        case .processorEnded(_, .memoryFault(let address), _) where waitsForPage(at: address):
            pauseForPage(at: address, cycle)
        case .processorEnded(let index, .tripleFault, let registers): handleTripleFault(of: index, registers)
        case .processorEnded(let index, let end, let registers):
            let reason = ProcessorFailure.describe(end, processor: index, backends: registry.objects.memoryBackends)
            observers.tell(.shutdown(.hostError))
            decide(.end(.failed("\(reason)\n\(registers)")))
        case .emulationFailed(let index, let instructionPointer, let count):
            parts.log.warning(
                "vCPU \(index): KVM could not carry out the instruction at 0x\(String(instructionPointer, radix: 16)), probably a vector store into read-only memory; the guest got an invalid-opcode exception. There were \(count) so far"
            )
        case .serialSpace: if let uart = cycle.uart { parts.console?.deliver(to: uart) }
        case .hotPlug(let action): handle(action, cycle)
        case .detached(let name, let failure): finishRemoval(of: name, failure)
        case .request(let body): body(self)
        }
    }

    /// A PC's chipset takes a processor's shutdown cycle for a reset; guests reboot that way (Linux' `reboot=t`).
    private func handleTripleFault(of processor: Int, _ registers: String) {
        let line = registers.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        tripleFaults.log(
            .warning, "triple fault, which resets the machine; \(line)", about: "vCPU \(processor)", to: parts.log)
        reset(.guestReset)
    }

    private func handle(_ event: PowerEvent) {
        switch event {
        case .powerOff:
            observers.tell(.shutdown(.guestShutdown))
            decide(.end(.poweredOff))
        case .reset: reset(.guestReset)
        }
    }

    /// Starts over, or ends where that is what a reset means.
    func reset(_ cause: ShutdownCause) {
        observers.tell(endsOnReboot ? .shutdown(cause) : .reset(cause))
        decide(endsOnReboot ? .end(.resetRefused) : .reset)
    }

    /// The first decision counts; an end counts more than a reset.
    func decide(_ next: Verdict) {
        switch (verdict, next) {
        case (.goOn, _), (.reset, .end): verdict = next
        default: break
        }
    }
}
