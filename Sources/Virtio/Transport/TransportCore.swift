public import GuestMemory
import Synchronization

/// The half of a transport that is the same everywhere: the status machine, features, queue registers, vectors and
/// configuration space (virtio 1.3, sections 2.1 to 2.5, 3.1 and, for what each register does, 4.1.4.3).
///
/// Every method may be called by any thread at any time; none waits for the device's work. A store that the driver is
/// not allowed to make in the present state changes nothing.
public final class TransportCore: Sendable {
    /// The vector number that stands for "no interrupt" (section 4.1.5.1.2).
    public static let noVector: UInt16 = 0xffff

    public let device: any VirtioDevice
    /// The features that the device and its queues offer.
    public let offeredFeatures: UInt64
    private let memory: GuestAddressSpace
    private let vectorLines: [any InterruptLine]
    private let interruptStatus = InterruptStatus()
    private let configurationInterrupt: RoutedInterrupt
    private let queueInterrupts: [RoutedInterrupt]
    private let activationFailed: @Sendable (any Error) -> Void

    private let state: Mutex<TransportState>
    /// Held while the device is called, so that it never gets two calls at once. Taken before `state`, never after it.
    private let deviceCalls = Mutex(())

    /// - Parameters:
    ///   - ringFeatures: of `Feature`, what to offer beside the device's own bits and VERSION_1.
    ///   - vectorCount: how many interrupt vectors the transport has.
    ///   - activationFailed: called when the device could not start. The driver sees DEVICE_NEEDS_RESET.
    ///   - interruptLine: makes the line of a vector; called once for each.
    public init(
        device: any VirtioDevice, memory: GuestAddressSpace, ringFeatures: UInt64 = Feature.defaultRingFeatures,
        vectorCount: Int, activationFailed: @escaping @Sendable (any Error) -> Void = { _ in },
        interruptLine: (_ vector: Int) -> any InterruptLine
    ) {
        self.device = device
        self.memory = memory
        self.activationFailed = activationFailed
        offeredFeatures = device.traits.features | ringFeatures | Feature.version1
        vectorLines = (0..<min(max(vectorCount, 0), Int(Self.noVector))).map(interruptLine)
        let status = interruptStatus
        configurationInterrupt = RoutedInterrupt(
            unrouted: UnroutedInterrupt(status: status, bit: InterruptStatus.configuration))
        queueInterrupts = device.traits.maximumQueueSizes.map { _ in
            RoutedInterrupt(unrouted: UnroutedInterrupt(status: status, bit: InterruptStatus.queue))
        }
        state = Mutex(
            TransportState(offeredFeatures: offeredFeatures, maximumQueueSizes: device.traits.maximumQueueSizes))
    }

    /// The interrupt status register; reading it sets it to 0 (section 4.1.4.5).
    public func takeInterruptStatus() -> UInt8 { interruptStatus.take() }

    /// The driver wrote the doorbell of a queue. Ignored before DRIVER_OK (section 2.1.2).
    public func notifyQueue(_ index: UInt16) {
        guard status.contains(.driverOK), Int(index) < device.doorbells.count else { return }
        device.doorbells[Int(index)].signal()
    }
}

// MARK: - Status

extension TransportCore {
    /// The device status field.
    public var status: DeviceStatus { state.withLock { $0.status } }

    /// The driver wrote the device status field; 0 resets the device.
    public func writeStatus(_ value: UInt8) {
        guard value != 0 else { return reset() }
        if state.withLock({ $0.raiseStatus(to: DeviceStatus(rawValue: value)) }) == .activate { activateDevice() }
    }

    /// Resets the device, from whatever state. The status reads as it was until the device's work has ended.
    ///
    /// - Parameter completion: called when the status has become 0, on whichever thread that happens.
    public func reset(_ completion: (@Sendable () -> Void)? = nil) {
        perform(state.withLock { $0.beginReset(completion) })
    }

    private func perform(_ step: TransportState.Step) {
        switch step {
        case .none, .activate: break
        case .deactivate: deactivateDevice()
        case .resetDone: finishReset()
        }
    }

    private func activateDevice() {
        let (queues, features, epoch) = state.withLock { ($0.queues, $0.acceptedFeatures, $0.epoch) }
        let activation = Activation(
            memory: memory, features: features,
            queues: zip(queues, queueInterrupts).map { $0.isEnabled ? $0.activation(interrupt: $1) : nil },
            needsReset: { [weak self] in self?.deviceNeedsReset(epoch: epoch) },
            configurationChanged: { [weak self] in self?.configurationChanged(epoch: epoch) })
        var failure: (any Error)?
        deviceCalls.withLock { _ in
            do { try device.activate(activation) } catch { failure = error }
        }
        let step = state.withLock { $0.finishActivation(failed: failure != nil) }
        if let failure {
            activationFailed(failure)
            if step == .none { signalConfigurationChange() }
        }
        perform(step)
    }

    private func deactivateDevice() {
        let latch = DeactivationLatch()
        deviceCalls.withLock { _ in
            device.deactivate { [self] in
                if latch.reach(.workEnded) { finishReset() }
            }
        }
        if latch.reach(.callReturned) { finishReset() }
    }

    private func finishReset() {
        let waiters = state.withLock { state in
            configurationInterrupt.route(to: nil)
            for interrupt in queueInterrupts { interrupt.route(to: nil) }
            return state.finishReset()
        }
        _ = interruptStatus.take()
        for waiter in waiters { waiter() }
    }

    private func deviceNeedsReset(epoch: UInt64) {
        if state.withLock({ $0.setNeedsReset(epoch: epoch) }) { signalConfigurationChange() }
    }

    private func configurationChanged(epoch: UInt64) {
        if state.withLock({ $0.acceptsNotifications(epoch: epoch) }) { signalConfigurationChange() }
    }
}

/// A reset is done when the device's work has ended and the call that asked for it has returned, in whichever order.
private final class DeactivationLatch: Sendable {
    enum Event: Hashable { case workEnded, callReturned }

    private let reached = Mutex<Set<Event>>([])

    /// - Returns: whether this event was the last one.
    func reach(_ event: Event) -> Bool {
        reached.withLock { $0.insert(event).inserted && $0.count == 2 }
    }
}

// MARK: - Features

extension TransportCore {
    /// Which 32 bits `deviceFeatures` shows.
    public var deviceFeatureSelect: UInt32 { state.withLock { $0.deviceFeatureSelect } }
    public func selectDeviceFeatures(_ word: UInt32) { state.withLock { $0.deviceFeatureSelect = word } }

    /// Which 32 bits `driverFeatures` shows.
    public var driverFeatureSelect: UInt32 { state.withLock { $0.driverFeatureSelect } }
    public func selectDriverFeatures(_ word: UInt32) { state.withLock { $0.driverFeatureSelect = word } }

    /// The offered features, the selected word of them.
    public var deviceFeatures: UInt32 {
        state.withLock { TransportState.word($0.offeredFeatures, $0.deviceFeatureSelect) }
    }

    /// The features that the driver wrote, those of them that are offered, the selected word.
    public var driverFeatures: UInt32 {
        state.withLock { TransportState.word($0.driverFeatures & $0.offeredFeatures, $0.driverFeatureSelect) }
    }

    /// The driver accepts features of the selected word.
    public func writeDriverFeatures(_ value: UInt32) { state.withLock { $0.writeDriverFeatures(value) } }

    /// What both sides agreed on; 0 before FEATURES_OK.
    public var acceptedFeatures: UInt64 { state.withLock { $0.acceptedFeatures } }
}

// MARK: - Device configuration

extension TransportCore {
    /// Changes whenever the configuration space has changed since it was last read (section 2.5).
    public var configurationGeneration: UInt8 {
        _ = configuration()
        return state.withLock { $0.generation }
    }

    /// Reads the device configuration space.
    ///
    /// - Parameters:
    ///   - offset: in bytes; what lies beyond the space reads as 0.
    ///   - byteCount: 1 to 8.
    /// - Returns: the bytes, little-endian.
    public func readConfiguration(at offset: UInt64, byteCount: Int) -> UInt64 {
        let bytes = configuration()
        var result: UInt64 = 0
        for index in 0..<min(max(byteCount, 0), 8) {
            guard let position = Int(exactly: offset)?.addingReportingOverflow(index), !position.overflow,
                bytes.indices.contains(position.partialValue)
            else { break }
            result |= UInt64(bytes[position.partialValue]) << UInt64(index * 8)
        }
        return result
    }

    /// Writes the device configuration space; a store that is not wholly inside it is dropped.
    ///
    /// - Parameter byteCount: 1, 2, 4 or 8.
    public func writeConfiguration(_ value: UInt64, at offset: UInt64, byteCount: Int) {
        let bytes = configuration()
        guard state.withLock({ $0.acceptsWrites }), (1...8).contains(byteCount), byteCount <= bytes.count,
            offset <= UInt64(bytes.count - byteCount)
        else { return }
        deviceCalls.withLock { _ in device.writeConfiguration(value, byteCount: byteCount, at: Int(offset)) }
    }

    private func configuration() -> [UInt8] {
        deviceCalls.withLock { _ in
            let bytes = device.configuration(acceptedFeatures: acceptedFeatures)
            state.withLock { state in
                if let last = state.lastConfiguration, last != bytes { state.generation &+= 1 }
                state.lastConfiguration = bytes
            }
            return bytes
        }
    }

    /// Section 4.1.4.5.1: the status register comes before the interrupt.
    private func signalConfigurationChange() {
        interruptStatus.raise(InterruptStatus.configuration)
        configurationInterrupt.signal()
    }

    /// The vector of configuration changes.
    public var configurationVector: UInt16 { state.withLock { $0.configurationVector } }

    /// Gives configuration changes a vector; one that the transport does not have becomes `noVector`
    /// (section 4.1.5.1.2.1).
    public func writeConfigurationVector(_ vector: UInt16) {
        state.withLock { state in
            guard state.acceptsWrites else { return }
            let line = line(of: vector)
            state.configurationVector = line == nil ? Self.noVector : vector
            configurationInterrupt.route(to: line)
        }
    }

    private func line(of vector: UInt16) -> (any InterruptLine)? {
        vectorLines.indices.contains(Int(vector)) ? vectorLines[Int(vector)] : nil
    }
}

// MARK: - Queues

extension TransportCore {
    /// How many queues the device has.
    public var queueCount: Int { queueInterrupts.count }

    /// The queue that the properties below show and their stores change. One that the device does not have shows 0.
    public var selectedQueue: UInt16 { state.withLock { $0.selectedQueue } }
    public func selectQueue(_ index: UInt16) { state.withLock { $0.selectedQueue = index } }

    /// In descriptors: the largest that the device takes, until the driver wrote a smaller one; 0 for no queue.
    public var queueSize: UInt16 { state.withLock { $0.selected?.size ?? 0 } }
    public func writeQueueSize(_ size: UInt16) {
        state.withLock { state in
            state.configureQueue { if $0.accepts(size: size, packed: $1) { $0.size = size } }
        }
    }

    /// The guest-physical address of one part of the queue.
    public func queueAddress(_ area: QueueArea) -> UInt64 { state.withLock { $0.selected?.addresses[area] ?? 0 } }
    public func writeQueueAddress(_ area: QueueArea, _ address: UInt64) {
        state.withLock { state in state.configureQueue { queue, _ in queue.addresses[area] = address } }
    }
    /// Writes the low half of an address, bits 0 to 31; the other half stays.
    public func writeQueueAddress(_ area: QueueArea, low: UInt32) {
        state.withLock { state in
            state.configureQueue { queue, _ in
                queue.addresses[area] = queue.addresses[area, default: 0] & ~0xffff_ffff | UInt64(low)
            }
        }
    }
    /// Writes the high half of an address, bits 32 to 63; the other half stays.
    public func writeQueueAddress(_ area: QueueArea, high: UInt32) {
        state.withLock { state in
            state.configureQueue { queue, _ in
                queue.addresses[area] = queue.addresses[area, default: 0] & 0xffff_ffff | UInt64(high) << 32
            }
        }
    }

    /// Whether the driver enabled the queue.
    public var isQueueEnabled: Bool { state.withLock { $0.selected?.isEnabled ?? false } }

    /// The driver wrote queue_enable. Only 1 means something (section 4.1.4.3.2), and a queue with misaligned parts
    /// stays disabled.
    public func writeQueueEnable(_ value: UInt16) {
        guard value == 1 else { return }
        state.withLock { state in
            state.configureQueue { queue, isPacked in queue.isEnabled = queue.isWellFormed(packed: isPacked) }
        }
    }

    /// The vector of the queue's used buffers.
    public var queueVector: UInt16 { state.withLock { $0.selected?.vector ?? Self.noVector } }

    /// Gives the queue a vector; one that the transport does not have becomes `noVector`.
    public func writeQueueVector(_ vector: UInt16) {
        state.withLock { state in
            guard state.acceptsWrites, state.selected != nil else { return }
            let line = line(of: vector)
            state.setQueueVector(line == nil ? Self.noVector : vector)
            queueInterrupts[Int(state.selectedQueue)].route(to: line)
        }
    }
}
