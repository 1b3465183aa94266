/// The registers that every transport has, and which changes of them are allowed when. A value without a lock or a
/// device, so that the rules stand in one place.
struct TransportState {
    /// Where the device is between activation and deactivation.
    enum Phase { case inactive, activating, active, deactivating }
    /// What has to happen to the device after a change.
    enum Step: Equatable { case none, activate, deactivate, resetDone }

    let offeredFeatures: UInt64
    private let maximumQueueSizes: [UInt16]

    private(set) var status: DeviceStatus = []
    private(set) var phase = Phase.inactive
    /// Counts resets, so that what belongs to the time before one is told apart.
    private(set) var epoch: UInt64 = 0
    private var resetIsPending = false
    private var resetWaiters: [@Sendable () -> Void] = []

    var deviceFeatureSelect: UInt32 = 0
    var driverFeatureSelect: UInt32 = 0
    var selectedQueue: UInt16 = 0
    var configurationVector = TransportCore.noVector
    private(set) var driverFeatures: UInt64 = 0
    private var hasUnknownFeatures = false
    private(set) var queues: [QueueRegisters]

    var generation: UInt8 = 0
    var lastConfiguration: [UInt8]?

    init(offeredFeatures: UInt64, maximumQueueSizes: [UInt16]) {
        self.offeredFeatures = offeredFeatures
        self.maximumQueueSizes = maximumQueueSizes
        queues = maximumQueueSizes.map(QueueRegisters.init)
    }

    /// What both sides agreed on; 0 before FEATURES_OK.
    var acceptedFeatures: UInt64 { status.contains(.featuresOK) ? driverFeatures : 0 }
    var isPacked: Bool { acceptedFeatures & Feature.packedRing != 0 }
    /// A driver that waits for its reset, or that gave up, can do nothing but reset.
    var acceptsWrites: Bool { !resetIsPending && !status.contains(.failed) }
}

// MARK: - Status

extension TransportState {
    /// The driver wrote a status other than 0 (virtio 1.3, sections 2.1.1 and 3.1.1).
    mutating func raiseStatus(to written: DeviceStatus) -> Step {
        guard acceptsWrites else { return .none }
        // Section 2.1.1: the driver must not clear a bit. DEVICE_NEEDS_RESET is not its own, and may appear between its
        // load and its store.
        guard written.isSuperset(of: status.intersection(.ofDriver)) else { return .none }
        if written.contains(.failed) {
            status.insert(.failed)
            return .none
        }
        if written.contains(.acknowledge) { status.insert(.acknowledge) }
        if written.contains(.driver), status.contains(.acknowledge) { status.insert(.driver) }
        if written.contains(.featuresOK), status.contains(.driver), featuresAreAcceptable { status.insert(.featuresOK) }
        guard written.contains(.driverOK), status.contains(.featuresOK), !status.contains(.driverOK) else {
            return .none
        }
        status.insert(.driverOK)
        phase = .activating
        return .activate
    }

    /// Section 2.2.2: a subset of what is offered; section 6.2: a device of today needs VERSION_1.
    private var featuresAreAcceptable: Bool {
        !hasUnknownFeatures && driverFeatures & ~offeredFeatures == 0 && driverFeatures & Feature.version1 != 0
    }

    /// The device returned from `activate`.
    mutating func finishActivation(failed: Bool) -> Step {
        guard phase == .activating else { return .none }
        phase = failed ? .inactive : .active
        if failed { status.insert(.needsReset) }
        guard resetIsPending else { return .none }
        if failed { return .resetDone }
        phase = .deactivating
        return .deactivate
    }

    /// Whether the driver that activated the device in this epoch still runs it, and so may be notified (section
    /// 3.1.1).
    func acceptsNotifications(epoch: UInt64) -> Bool {
        epoch == self.epoch && !resetIsPending && status.contains(.driverOK)
    }

    /// Section 2.1.2.
    ///
    /// - Returns: whether the driver is to be told.
    mutating func setNeedsReset(epoch: UInt64) -> Bool {
        guard epoch == self.epoch, !resetIsPending, phase != .inactive else { return false }
        return status.insert(.needsReset).inserted && status.contains(.driverOK)
    }

    /// The driver asked for a reset; `waiter` is called when it is done. Until then the status stays other than 0
    /// (section 2.4.1).
    mutating func beginReset(_ waiter: (@Sendable () -> Void)?) -> Step {
        if let waiter { resetWaiters.append(waiter) }
        guard !resetIsPending else { return .none }
        resetIsPending = true
        switch phase {
        case .inactive: return .resetDone
        case .activating, .deactivating: return .none
        case .active:
            phase = .deactivating
            return .deactivate
        }
    }

    /// Every register takes its first value again.
    ///
    /// - Returns: what is to be called once the reset is done.
    mutating func finishReset() -> [@Sendable () -> Void] {
        var next = TransportState(offeredFeatures: offeredFeatures, maximumQueueSizes: maximumQueueSizes)
        next.epoch = epoch &+ 1
        // The driver compares generations across a reset, too.
        (next.generation, next.lastConfiguration) = (generation, lastConfiguration)
        let waiters = resetWaiters
        self = next
        return waiters
    }
}

// MARK: - Features

extension TransportState {
    static func word(_ features: UInt64, _ select: UInt32) -> UInt32 {
        select < 2 ? UInt32(truncatingIfNeeded: features >> (UInt64(select) &* 32)) : 0
    }

    /// The driver accepts features; only after DRIVER and before FEATURES_OK (section 3.1.1).
    mutating func writeDriverFeatures(_ value: UInt32) {
        guard acceptsWrites, status.contains(.driver), !status.contains(.featuresOK) else { return }
        guard driverFeatureSelect < 2 else {
            if value != 0 { hasUnknownFeatures = true }
            return
        }
        let shift = UInt64(driverFeatureSelect) &* 32
        driverFeatures = driverFeatures & ~(0xffff_ffff << shift) | UInt64(value) << shift
    }
}

// MARK: - Queues

extension TransportState {
    /// nil for a queue that the device does not have.
    var selected: QueueRegisters? {
        queues.indices.contains(Int(selectedQueue)) ? queues[Int(selectedQueue)] : nil
    }

    /// Changes the selected queue if that is allowed now: after FEATURES_OK, before DRIVER_OK (section 3.1.1), and not
    /// once it is enabled (section 4.1.4.3.2).
    mutating func configureQueue(_ change: (inout QueueRegisters, _ isPacked: Bool) -> Void) {
        guard acceptsWrites, status.contains(.featuresOK), !status.contains(.driverOK) else { return }
        guard let queue = selected, !queue.isEnabled else { return }
        change(&queues[Int(selectedQueue)], isPacked)
    }

    /// Vectors may change at any time.
    mutating func setQueueVector(_ vector: UInt16) {
        guard acceptsWrites, selected != nil else { return }
        queues[Int(selectedQueue)].vector = vector
    }
}
