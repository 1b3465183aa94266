import Backend
import GuestMemory
import Host
import Logging
import Options
import QEMUDialect
import Virtio
import VirtioPMem

extension DeviceRow {
    /// `virtio-pmem-pci`.
    static let virtioPMem = DeviceRow(
        model: VirtioPMemOptions.model,
        memoryNeed: { options, inventory in
            guard let options = options as? VirtioPMemOptions,
                let backend = inventory.objects.first(where: { $0.id == options.memoryBackend })?.memoryBackend
            else { return nil }
            let alignment = (backend as? FileBackendOptions)?.alignment ?? 0
            return DeviceMemoryNeed(options, byteCount: backend.byteCount, alignment: max(alignment, 2 << 20))
        },
        make: { named, objects throws(AssemblyError) in
            guard let options = named.options as? VirtioPMemOptions else {
                throw .dialect(.modelNotImplemented(named.options.model))
            }
            guard let object = objects[options.memoryBackend] as? MemoryObject else {
                throw .dialect(.objectNotFound(options.memoryBackend))
            }
            return ConfiguredPMem(named, options, over: object)
        })
}

/// A persistent memory device over its memory backend.
private final class ConfiguredPMem: ConfiguredDevice {
    let named: NamedDevice
    private let options: VirtioPMemOptions
    private let object: MemoryObject

    init(_ named: NamedDevice, _ options: VirtioPMemOptions, over object: MemoryObject) {
        (self.named, self.options, self.object) = (named, options, object)
    }

    func configureObjects() { object.setLimit(options.flushLimit) }

    var memory: DeviceMemory? {
        let backend = object.backend
        return DeviceMemory(
            backend: backend,
            need: DeviceMemoryNeed(
                options, byteCount: UInt64(backend.mapping.byteCount), alignment: backend.alignment),
            recordDroppedStore: { [object] in object.durability.figures.recordDroppedStore() })
    }

    var warnings: [String] { object.backend.warnings.map(\.description) }
    var flushControl: (any FlushControl)? { object }

    func properties(memoryAt range: GuestRange?) -> [DeviceProperty] {
        // A BAR that is off is nowhere.
        [
            DeviceProperty("memaddr", .number(range?.start.rawValue ?? 0)),
            DeviceProperty("memdev", .object(options.memoryBackend)),
        ]
    }

    func makeDevice(_ site: DeviceSite) throws(SystemCallError) -> any VirtioDevice {
        let onEvent: @Sendable (PMemEvent) -> Void = { [self] in site.report(report($0, in: site.frontEnd)) }
        guard case .fixed(let range) = site.memory else {
            return try PMemDevice(
                id: name, durability: object.durability, location: { site.memory?.range },
                maximumQueueSize: options.queueSize, onEvent: onEvent)
        }
        return try PMemDevice(
            id: name, durability: object.durability, range: range, maximumQueueSize: options.queueSize,
            onEvent: onEvent)
    }

    private func report(_ event: PMemEvent, in frontEnd: FrontEnd) -> DeviceReport {
        switch event {
        case .syncFailed(let error):
            let remedy =
                switch frontEnd {
                case .machine: "the monitor's x-needletail-clear-failure"
                case .server: "this server is started anew"
                }
            return DeviceReport(
                .error,
                "\(object.path) could not be synchronized: \(error.errno). What the guest wrote since its last flush may be lost; every flush fails from now on, until \(remedy)",
                event: .flushFailed(object.failure(error, of: options.id)))
        case .notDurable:
            return DeviceReport(
                .warning,
                "the guest asked for durability, but nothing that it writes reaches a file (share=off): its flushes fail. Say share=on to keep the data, or discard-data=on if it is to be thrown away",
                isGuestsDoing: true)
        case .queue(let event): return DeviceReport(event)
        }
    }

    func finish() -> DeviceReport? {
        object.synchronize(for: options.id) { [object] in
            "the last synchronization of \(object.path) failed: \($0); what the guest wrote since its last flush may be lost"
        }
    }

    var memoryStatus: MemoryDeviceStatus? {
        let backend = object.backend
        var status = MemoryDeviceStatus(
            id: options.id, address: nil, size: backend.byteCount, memoryBackend: backend.id, slot: nil,
            path: backend.path, reachesFile: backend.reachesFile, isReadOnly: backend.mapping.isReadOnly,
            flushes: MemoryDeviceStatus.Flushes(object.durability))
        status.unflushedPages = backend.powerCutTest?.unflushedPageCount
        status.pageCache = backend.pageCacheUsage().map {
            MemoryDeviceStatus.PageCache(resident: $0.resident, dirty: $0.dirty)
        }
        return status
    }
}

extension DeviceMemoryNeed {
    fileprivate init(_ options: VirtioPMemOptions, byteCount: UInt64, alignment: UInt64) {
        let place: Place =
            if options.offersSharedMemoryRegion { .bar } else if options.memoryAddress != 0 {
                .at(GuestAddress(options.memoryAddress))
            } else { .anywhere }
        self.init(byteCount: byteCount, alignment: alignment, place: place)
    }
}

extension MemoryDeviceStatus.Flushes {
    fileprivate init(_ durability: Durability) {
        let (statistics, limit) = (durability.figures.statistics, durability.limiter.limit)
        self.init(
            completed: statistics.flushCount &- statistics.failureCount, failed: statistics.failureCount)
        (batches, largestBatch) = (statistics.batchCount, statistics.largestBatch)
        latency = MemoryDeviceStatus.Latency(statistics.syncLatency)
        self.limit = limit.rate == 0 ? nil : FlushLimitOptions(rate: limit.rate, burst: limit.burst)
        throttled = statistics.throttledCount
        failure = durability.latch.failure.map(\.errorName)
        droppedStores = statistics.droppedStoreCount
    }
}

extension MemoryDeviceStatus.Latency {
    fileprivate init(_ histogram: LatencyHistogram) {
        self.init()
        count = histogram.count
        (median, percentile90) = (histogram.quantile(0.5), histogram.quantile(0.9))
        (percentile99, maximum) = (histogram.quantile(0.99), histogram.maximum)
    }
}
