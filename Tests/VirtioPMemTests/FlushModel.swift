/// A model of one driver and one flush worker, small enough that every state can be visited. A step is one access to
/// shared memory, and each side has the store buffer of an x86 processor, so that a store may become visible after
/// later loads.
///
/// The worker's steps are those of `QueueRounds.serve`, the driver's those of virtio 1.3, section 2.7.13, with the
/// event index.
struct FlushModel: Hashable {
    /// What is left out or turned round, to see that it is needed.
    enum Fault: CaseIterable {
        case none
        /// `HorizonRule.readAgainAfterSync`.
        case indexIsReadAgainAfterTheSync
        case indexIsReadOnlyAfterTheSync
        /// The worker waits without having looked once more.
        case workerDoesNotLookAgain
        case workerHasNoBarrier
        case driverHasNoBarrier
    }

    enum Verdict: Hashable {
        /// A request was answered by a sync that began before it was available.
        case answeredTooEarly
        /// Nothing moves any more, and a request has no answer.
        case neverAnswered
    }

    private enum Place: Hashable { case data(UInt8), index, wish }
    private struct Store: Hashable {
        let place: Place
        let value: UInt8
    }

    private enum DriverStep { case storeData, storeIndex, barrier, readWish, ring }
    private enum WorkerStep { case wait, readIndex, beginSync, endSync, answer, storeWish, barrier, lookAgain }

    private let requestCount: UInt8
    private let fault: Fault

    // Shared memory, and the doorbell.
    /// One bit per request: the guest's store that its flush is about.
    private var data: UInt8 = 0
    private var availableIndex: UInt8 = 0
    private var wish: UInt8 = 0
    private var isRinging = false

    private var driver = DriverStep.storeData
    private var driverRequest: UInt8 = 0
    private var driverStores: [Store] = []

    private var worker = WorkerStep.wait
    private var workerStores: [Store] = []
    private var horizon: UInt8 = 0
    private var answeredCount: UInt8 = 0
    /// What the sync under way, or the last one, covers; and how many requests were available when it began.
    private var covered: UInt8 = 0
    private var availableAtSync: UInt8 = 0

    private(set) var verdict: Verdict?

    init(requestCount: UInt8, fault: Fault) {
        self.requestCount = requestCount
        self.fault = fault
    }

    /// Every state that one step leads to.
    var successors: [FlushModel] {
        guard verdict == nil else { return [] }
        var next: [FlushModel] = []
        let steps: [(inout FlushModel) -> Bool] = [
            { $0.drainDriver() }, { $0.drainWorker() }, { $0.stepDriver() }, { $0.stepWorker() },
        ]
        for step in steps {
            var state = self
            if step(&state) { next.append(state) }
        }
        if next.isEmpty, answeredCount < requestCount {
            var state = self
            state.verdict = .neverAnswered
            next.append(state)
        }
        return next
    }

    /// What can go wrong in any order of steps, and how many states there are.
    static func explore(requestCount: UInt8, fault: Fault) -> (verdicts: Set<Verdict>, stateCount: Int) {
        let first = FlushModel(requestCount: requestCount, fault: fault)
        var known: Set<FlushModel> = [first]
        var open = [first]
        var verdicts: Set<Verdict> = []
        while let state = open.popLast() {
            if let verdict = state.verdict { verdicts.insert(verdict) }
            for next in state.successors where known.insert(next).inserted { open.append(next) }
        }
        return (verdicts, known.count)
    }
}

// MARK: - Steps; each returns whether it was possible

extension FlushModel {
    private mutating func drainDriver() -> Bool {
        guard !driverStores.isEmpty else { return false }
        apply(driverStores.removeFirst())
        return true
    }

    private mutating func drainWorker() -> Bool {
        guard !workerStores.isEmpty else { return false }
        apply(workerStores.removeFirst())
        return true
    }

    private mutating func apply(_ store: Store) {
        switch store.place {
        case .data(let request): data |= 1 << request
        case .index: availableIndex = store.value
        case .wish: wish = store.value
        }
    }

    private mutating func stepDriver() -> Bool {
        guard driverRequest < requestCount else { return false }
        switch driver {
        case .storeData:
            driverStores.append(Store(place: .data(driverRequest), value: 1))
            driver = .storeIndex
        case .storeIndex:
            driverStores.append(Store(place: .index, value: driverRequest + 1))
            driver = fault == .driverHasNoBarrier ? .readWish : .barrier
        case .barrier:
            guard driverStores.isEmpty else { return false }
            driver = .readWish
        case .readWish:
            // Section 2.7.10: ring if the wish is between the old index and the new one.
            if wish == driverRequest { driver = .ring } else { nextRequest() }
        case .ring:
            // A doorbell leaves the guest, which drains the buffer.
            guard driverStores.isEmpty else { return false }
            isRinging = true
            nextRequest()
        }
        return true
    }

    private mutating func nextRequest() {
        driverRequest += 1
        driver = .storeData
    }

    private mutating func stepWorker() -> Bool {
        switch worker {
        case .wait:
            guard isRinging, workerStores.isEmpty else { return false }
            isRinging = false
            worker = .readIndex
        case .readIndex:
            if fault != .indexIsReadOnlyAfterTheSync { horizon = availableIndex }
            worker = .beginSync
        case .beginSync:
            (covered, availableAtSync) = (data, availableIndex)
            worker = .endSync
        case .endSync:
            if [.indexIsReadAgainAfterTheSync, .indexIsReadOnlyAfterTheSync].contains(fault) {
                horizon = availableIndex
            }
            worker = .answer
        case .answer:
            answer()
            worker = .storeWish
        case .storeWish:
            workerStores.append(Store(place: .wish, value: answeredCount))
            worker = fault == .workerDoesNotLookAgain ? .wait : fault == .workerHasNoBarrier ? .lookAgain : .barrier
        case .barrier:
            guard workerStores.isEmpty else { return false }
            worker = .lookAgain
        case .lookAgain: worker = availableIndex > answeredCount ? .readIndex : .wait
        }
        return true
    }

    private mutating func answer() {
        let isCovered = (answeredCount..<max(horizon, answeredCount)).allSatisfy { covered & 1 << $0 != 0 }
        if horizon > availableAtSync || !isCovered { verdict = .answeredTooEarly }
        answeredCount = max(horizon, answeredCount)
    }
}
