import Board
import GuestMemory
import Host
import KVM
import Logging
import PCI

/// Everything that lives from power-on to power-off or reset: a reboot makes a new one around the same memory
/// backends, so nothing of the last run can be left over. The control plane's.
final class PowerCycle {
    /// What stays the same through reboots.
    struct Parts: Sendable {
        let layout: BoardLayout
        let processorCount: Int
        let boot: BootFiles
        let console: Console?
        let events: ControlEvents
        let observers: EventObservers
        let log: Logger
    }

    let platform: Platform
    let uart: UART?
    private let parts: Parts
    private let processors: ProcessorGroup
    /// The devices that are plugged in, by name.
    private var attachments: [String: DeviceAttachment] = [:]
    /// Threads that take ejected devices away, by the device's name.
    private var detaching: [String: HostThread] = [:]

    /// Powers the machine on: devices plugged in, kernel loaded, vCPUs started unless `paused`.
    init(
        _ machine: VirtualMachine, _ parts: Parts, devices: [MachineDevice], paused: Bool
    ) throws(MachineError) {
        self.parts = parts
        platform = try Platform(machine, layout: parts.layout, deviceMemory: devices, controlEvents: parts.events)
        uart = try Self.addLegacyDevices(platform, parts)
        for device in devices {
            attachments[device.name] = try DeviceAttachment(device, to: platform, parts)
            platform.hotPlug.setPresent(slot: device.slot, isRemovable: true)
        }
        let processors = try Self.makeProcessors(machine, count: parts.processorCount)
        try Self.load(parts, platform, into: processors[0])
        // The backends have made these pages present; now KVM may know them, too. Not for a device that is plugged in
        // later: the vCPUs would have to stop for it.
        for device in devices where device.memory?.backend.memoryOptions.preallocates == true {
            guard let range = device.fixedRange else { continue }
            processors[0].preFault(range.start.rawValue, byteCount: range.byteCount)
        }
        self.processors = try Self.start(processors, platform, parts.events, paused: paused)
    }

    /// The kernel's numbers of the vCPUs' threads, in order of index.
    var processorThreads: [CInt] { processors.threadIdentifiers }

    /// Each vCPU's faults on memory; nil where the kernel does not tell.
    var pageFaults: [PageFaultCounts?] { processors.pageFaults }

    /// Stops the vCPUs between two instructions.
    func pause() { stop(processors.pause) }

    /// Lets the vCPUs go on.
    func resume() { processors.resume() }

    func pressPowerButton() { platform.events.post(.powerButton) }

    /// What is left to do after the vCPUs' end: every flush in flight ends, and the devices with them. May wait for a
    /// disk; any thread may do it.
    var endOfDevices: @Sendable () -> Void {
        let (threads, attachments, memory) = (Array(detaching.values), Array(attachments.values), platform.memory)
        return {
            for thread in threads { thread.join() }
            for attachment in attachments { attachment.quiesce() }
            memory.endLogs()
        }
    }

    /// Ends the vCPUs for good; the devices go on.
    func endProcessors() { stop(processors.end) }

    private func stop(_ stop: () -> Void) {
        if let console = parts.console { console.interrupting(stop) } else { stop() }
    }
}

// MARK: - Plugging

extension PowerCycle {
    /// Plugs a device in and tells the guest.
    ///
    /// - Throws: nothing is left behind then.
    func plug(_ device: MachineDevice) throws(MachineError) {
        let region = try device.fixedRegion
        if let region { try platform.memory.attach(region, device.memory?.backend.powerCutTest) }
        do throws(MachineError) {
            attachments[device.name] = try DeviceAttachment(device, to: platform, parts)
        } catch {
            if let region { platform.memory.detach(region.range) }
            throw error
        }
        platform.hotPlug.plug(slot: device.slot)
    }

    /// Asks the guest to let go of a device.
    func requestRemoval(_ device: MachineDevice) { _ = platform.hotPlug.requestRemoval(slot: device.slot) }

    /// Takes a device away that the guest has let go of, and synchronizes its memory for the last time; both may wait
    /// for the disk, so they have a thread, which posts `detached`.
    ///
    /// - Parameter isRunning: whether the vCPUs are to run.
    func startDetaching(_ device: MachineDevice, isRunning: Bool) {
        guard detaching[device.name] == nil, let attachment = attachments[device.name] else { return }
        if device.memory?.backend.powerCutTest != nil { detachLoggedMemory(of: device, isRunning: isRunning) }
        let (platform, events) = (platform, parts.events)
        let work: @Sendable () -> Void = {
            attachment.detach(from: platform)
            events.post(.detached(name: device.name, device.configured.finish()))
        }
        do throws(SystemCallError) {
            detaching[device.name] = try HostThread(name: "eject \(device.name)", body: work)
        } catch {
            work()
        }
    }

    /// The log of stores goes with the memory slot: no vCPU may store between its last reading and that.
    private func detachLoggedMemory(of device: MachineDevice, isRunning: Bool) {
        guard let range = device.range else { return }
        pause()
        platform.memory.detach(range)
        if isRunning { processors.resume() }
    }

    /// Forgets a device that is gone; its slot is free.
    func finishDetaching(_ device: MachineDevice) {
        platform.hotPlug.removed(slot: device.slot)
        attachments[device.name] = nil
        detaching.removeValue(forKey: device.name)?.join()
    }
}

// MARK: - Powering on

extension PowerCycle {
    private static func makeProcessors(
        _ machine: VirtualMachine, count: Int
    ) throws(MachineError) -> [VirtualCPU] {
        do throws(KVMError) {
            var processors: [VirtualCPU] = []
            for index in 0..<max(count, 1) {
                processors.append(try VirtualCPU(machine, index: index, of: count))
            }
            return processors
        } catch { throw .kvm(error) }
    }

    private static func load(
        _ parts: Parts, _ platform: Platform, into processor: VirtualCPU
    ) throws(MachineError) {
        let memory = platform.memory.guestMemory.map
        let tables: ACPITables
        let state: InitialProcessorState
        do throws(BootError) {
            tables = try ACPITables(
                ACPIConfiguration(board: parts.layout, apicIdentifiers: Array(0..<UInt32(parts.processorCount))))
            state = try KernelLoader(board: parts.layout, memory: memory).load(parts.boot.request(rsdp: tables.rsdp))
        } catch { throw parts.boot.failure(error) }
        do throws(GuestMemoryError) {
            try tables.write(to: memory)
            try ResetVector.write(to: memory)
        } catch { throw .guestMemory(error) }
        try mapError(processor.setState(ProcessorState(state)), to: MachineError.kvm)
    }

    private static func start(
        _ processors: [VirtualCPU], _ platform: Platform, _ events: ControlEvents, paused: Bool
    ) throws(MachineError) -> ProcessorGroup {
        do throws(SystemCallError) {
            return try ProcessorGroup(processors, handler: platform.dispatch, paused: paused) { processor, end in
                events.post(
                    .processorEnded(
                        index: processor.index, end, registers: processor.describeRegisters()))
            }
        } catch { throw .host(error) }
    }
}

// MARK: - The board's devices at fixed ports

extension PowerCycle {
    /// - Returns: the serial port; nil without one.
    private static func addLegacyDevices(_ platform: Platform, _ parts: Parts) throws(MachineError) -> UART? {
        let events = parts.events
        let onPower: @Sendable (PowerEvent) -> Void = { events.post(.power($0)) }
        add(KeyboardController(onEvent: onPower), at: BoardLayout.Port.keyboardController, platform)
        add(PowerRegisters(onEvent: onPower), at: BoardLayout.Port.power, platform)
        let first = ConfigurationPorts.firstPort
        let reset = OffsetRegisters(
            ResetControl(onEvent: onPower), startingAt: UInt64(BoardLayout.Port.resetControl.lowerBound - first))
        let configuration = ConfigurationPorts(bus: platform.bus, others: reset)
        add(configuration, at: first...first + UInt16(ConfigurationPorts.byteCount) - 1, platform)
        guard let console = parts.console, let interrupt = platform.serialInterrupt else { return nil }
        let uart = console.makeUART(interrupt: interrupt, events: events)
        add(uart, at: BoardLayout.Port.serialPort, platform)
        return uart
    }

    private static func add(_ block: any RegisterBlock, at ports: ClosedRange<UInt16>, _ platform: Platform) {
        platform.dispatch.updatePorts { table in
            _ = table.insert(block, at: UInt64(ports.lowerBound), byteCount: UInt64(ports.count))
        }
    }
}
