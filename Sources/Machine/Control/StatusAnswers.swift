import Backend
import Options
import PCI
import QEMUDialect
import VirtioPMem

// What the machine is made of at this moment, for whoever asks.

extension ControlPlane {
    var processorStatus: [ProcessorStatus] {
        let threads = cycle?.processorThreads ?? []
        return threads.enumerated().map { ProcessorStatus(index: $0, threadID: $1, in: topology) }
    }

    var memoryBackendStatus: [MemoryOptions] {
        [.guestRAM(byteCount: parts.layout.ramByteCount)]
            + registry.inventory.objects.compactMap { $0.memoryBackend?.memory }
    }

    var memoryDeviceStatus: [MemoryDeviceStatus] { registry.devices.map(status) }

    var pciFunctionStatus: [PCIFunctionStatus] {
        guard let bus = cycle?.platform.bus else { return [] }
        return bus.functions.compactMap { slot, function in
            let id = registry.devices.first { $0.slot == slot }?.options.id
            return PCISlot(device: UInt8(clamping: slot)).map { Self.status(function, at: $0, id: id) }
        }
    }

    private func status(_ device: PersistentMemory) -> MemoryDeviceStatus {
        let cache = device.backend.pageCacheUsage()
        var status = MemoryDeviceStatus(
            id: device.options.id, address: device.range?.start.rawValue, size: device.backend.byteCount,
            memoryBackend: device.backend.id, slot: PCISlot(device: UInt8(clamping: device.slot)),
            path: device.backend.path, reachesFile: device.backend.reachesFile,
            isReadOnly: device.backend.mapping.isReadOnly, isBeingRemoved: pendingRemovals.contains(device.name),
            flushes: MemoryDeviceStatus.Flushes(device.durability))
        if case .bar = device.place { status.sharedMemoryBAR = SharedMemoryBAR.index }
        status.unflushedPages = device.backend.powerCutTest?.unflushedPageCount
        status.pageCache = cache.map { MemoryDeviceStatus.PageCache(resident: $0.resident, dirty: $0.dirty) }
        return status
    }

    private static func status(_ function: Function, at slot: PCISlot, id: String?) -> PCIFunctionStatus {
        func word(_ offset: UInt64) -> UInt16 {
            UInt16(truncatingIfNeeded: function.loadConfiguration(at: offset, byteCount: 2))
        }
        // The header's registers: PCI 3.0, section 6.1.
        return PCIFunctionStatus(
            slot: slot, classCode: word(0x0a), vendor: word(0x00), device: word(0x02), subsystemVendor: word(0x2c),
            subsystem: word(0x2e), id: id,
            regions: zip(function.bars, function.mappings).map { bar, mapping in
                PCIFunctionStatus.Region(
                    bar: bar.index, is64Bit: bar.width == .bits64, isPrefetchable: bar.isPrefetchable,
                    size: bar.byteCount, address: mapping.address)
            })
    }
}

extension MemoryDeviceStatus.Flushes {
    init(_ durability: Durability) {
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
    init(_ histogram: LatencyHistogram) {
        self.init()
        count = histogram.count
        (median, percentile90) = (histogram.quantile(0.5), histogram.quantile(0.9))
        (percentile99, maximum) = (histogram.quantile(0.99), histogram.maximum)
    }
}
