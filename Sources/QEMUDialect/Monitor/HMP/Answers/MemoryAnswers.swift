import Options

func memoryBackendsAnswer(_ backends: [MemoryOptions]) -> String {
    backends.map(memoryBackendAnswer).joined() + "\n"
}

private func memoryBackendAnswer(_ backend: MemoryOptions) -> String {
    """
    memory backend: \(backend.id)
      size:  \(backend.byteCount)
      merge: \(backend.merges)
      dump: \(backend.dumps)
      prealloc: \(backend.preallocates)
      share: \(backend.isShared)
      reserve: \(backend.reserves)
      policy: default
      host nodes: \n
    """
}

func memoryDevicesAnswer(_ devices: [MemoryDeviceStatus]) -> String {
    devices.map { device in
        """
        Memory device [virtio-pmem]: "\(device.id ?? "")"
          memaddr: \(hexadecimal(device.address ?? 0))
          size: \(device.size)
          memdev: /objects/\(device.memoryBackend)\n
        """
    }.joined()
}

/// QEMU has no such command. One block for each device, in the manner of `info memory-devices`.
func persistentMemoryAnswer(_ devices: [MemoryDeviceStatus]) -> String {
    devices.map(persistentMemoryAnswer).joined()
}

private func persistentMemoryAnswer(_ device: MemoryDeviceStatus) -> String {
    var lines = ["Persistent memory: \"\(device.id ?? "")\""]
    if let slot = device.slot { lines.append("  addr: \(slot.text)") }
    lines.append("  memaddr: " + (device.address.map(hexadecimal) ?? "none, the guest has switched the BAR off"))
    if let bar = device.sharedMemoryBAR { lines.append("  shared memory region: BAR \(bar)") }
    lines.append("  size: \(device.size)")
    lines.append("  memdev: \(device.memoryBackend)")
    if let path = device.path { lines.append("  mem-path: \(path)") }
    lines.append("  flush: \(durability(of: device))")
    if let count = device.unflushedPages {
        lines.append("  durability: power-cut-test, unflushed pages: \(count)")
    }
    if let flushes = device.flushes { lines += flushLines(flushes) }
    if let cache = device.pageCache {
        lines.append("  page cache: \(cache.resident) bytes resident" + (cache.dirty.map { ", \($0) dirty" } ?? ""))
    }
    if device.isBeingRemoved { lines.append("  device_del: the guest has not let go yet") }
    return lines.map { $0 + "\n" }.joined()
}

private func flushLines(_ flushes: MemoryDeviceStatus.Flushes) -> [String] {
    var lines = ["  flushes: \(flushes.completed) completed, \(flushes.failed) failed"]
    if let failure = flushes.failure {
        lines.append("  failure: \(failure); flushes fail until x-needletail-clear-failure")
    }
    lines.append("  batches: \(flushes.batches), largest \(flushes.largestBatch)")
    let latency = flushes.latency
    if latency.count > 0 {
        let figures = [latency.median, latency.percentile90, latency.percentile99, latency.maximum]
            .map { "\($0 / 1000)" }.joined(separator: ", ")
        lines.append("  sync latency in us, median, p90, p99, maximum of \(latency.count): \(figures)")
    }
    if let limit = flushes.limit {
        lines.append(
            "  limit: \(limit.rate) syncs per second, burst \(limit.burst), waited for \(flushes.throttled) times")
    }
    if flushes.droppedStores > 0 { lines.append("  stores into read-only memory: \(flushes.droppedStores)") }
    return lines
}

private func durability(of device: MemoryDeviceStatus) -> String {
    if device.isReadOnly { return "read-only" }
    if device.unflushedPages != nil { return "writes the guest's stores to the file, and makes them durable" }
    return device.reachesFile ? "makes the guest's stores durable in the file" : "without effect, stores reach no file"
}
