import Options
public import QEMUDialect

/// The value that a query returns.
public func queryAnswer(_ query: QMPQuery, _ machine: any MachineControl) -> JSONValue {
    switch query {
    case .version: versionAnswer
    case .commands: .array(qmpVerbs.map { .object(["name": .string($0.name)]) })
    case .status: statusAnswer(machine.runStatus)
    case .name: machine.name.map { .object(["name": .string($0)]) } ?? .object([] as [JSONMember])
    // The machine is nothing without KVM.
    case .kvm: .object(["enabled": true, "present": true])
    case .processors: .array(machine.processors.map(processorAnswer))
    case .memoryBackends: .array(machine.memoryBackends.map(memoryBackendAnswer))
    case .memoryDevices: .array(machine.memoryDevices.map(memoryDeviceAnswer))
    case .pci: pciAnswer(machine.pciFunctions)
    case .persistentMemory: .array(machine.memoryDevices.map(persistentMemoryAnswer))
    }
}

/// Our own version, in the shape that QEMU gives its own: clients look for a member `qemu`.
public let versionAnswer: JSONValue = {
    let numbers = needletailVersion.split(separator: ".").map { Int64($0) ?? 0 } + [0, 0, 0]
    let version = JSONValue.object([
        "micro": .integer(numbers[2]), "minor": .integer(numbers[1]), "major": .integer(numbers[0]),
    ])
    return .object(["qemu": version, "package": .string("Needletail \(needletailVersion)")])
}()

private func statusAnswer(_ status: RunStatus) -> JSONValue {
    .object(["status": .string(status.rawValue), "singlestep": false, "running": .boolean(status.isRunning)])
}

private func processorAnswer(_ processor: ProcessorStatus) -> JSONValue {
    .object([
        "thread-id": .integer(Int64(processor.threadID)),
        "props": .object([
            "core-id": .integer(Int64(processor.core)), "thread-id": .integer(Int64(processor.thread)),
            "die-id": .integer(Int64(processor.die)), "socket-id": .integer(Int64(processor.socket)),
        ]),
        "qom-path": .string("/machine/cpu[\(processor.index)]"), "cpu-index": .integer(Int64(processor.index)),
        "target": "x86_64",
    ])
}

private func memoryBackendAnswer(_ backend: MemoryOptions) -> JSONValue {
    .object([
        "share": .boolean(backend.isShared), "reserve": .boolean(backend.reserves),
        "prealloc": .boolean(backend.preallocates), "host-nodes": [], "size": .integer(backend.byteCount),
        "merge": .boolean(backend.merges), "dump": .boolean(backend.dumps), "policy": "default",
        "id": .string(backend.id),
    ])
}

private func memoryDeviceAnswer(_ device: MemoryDeviceStatus) -> JSONValue {
    var data = [
        JSONMember("memdev", .string("/objects/\(device.memoryBackend)")),
        JSONMember("memaddr", .integer(device.address ?? 0)),
        JSONMember("size", .integer(device.size)),
    ]
    if let id = device.id { data.append(JSONMember("id", .string(id))) }
    return .object(["type": "virtio-pmem", "data": .object(data)])
}

private func persistentMemoryAnswer(_ device: MemoryDeviceStatus) -> JSONValue {
    var members: [JSONMember] = []
    if let id = device.id { members.append(JSONMember("id", .string(id))) }
    if let slot = device.slot { members.append(JSONMember("addr", .string(slot.text))) }
    if let address = device.address { members.append(JSONMember("memaddr", .integer(address))) }
    members += [
        JSONMember("size", .integer(device.size)), JSONMember("shmem", .boolean(device.sharedMemoryBAR != nil)),
        JSONMember("memdev", .string(device.memoryBackend)), JSONMember("durable", .boolean(device.reachesFile)),
        JSONMember("readonly", .boolean(device.isReadOnly)), JSONMember("unplugging", .boolean(device.isBeingRemoved)),
    ]
    if let path = device.path { members.append(JSONMember("mem-path", .string(path))) }
    if let count = device.unflushedPages {
        members.append(JSONMember("durability", "power-cut-test"))
        members.append(JSONMember("unflushed-pages", .integer(Int64(count))))
    }
    if let flushes = device.flushes { members += flushMembers(flushes) }
    if let cache = device.pageCache {
        members.append(JSONMember("page-cache-resident", .integer(cache.resident)))
        if let dirty = cache.dirty { members.append(JSONMember("page-cache-dirty", .integer(dirty))) }
    }
    return .object(members)
}

private func flushMembers(_ flushes: MemoryDeviceStatus.Flushes) -> [JSONMember] {
    let latency = flushes.latency
    var members = [
        JSONMember("flushes-completed", .integer(flushes.completed)),
        JSONMember("flushes-failed", .integer(flushes.failed)),
        JSONMember("batches", .integer(flushes.batches)), JSONMember("largest-batch", .integer(flushes.largestBatch)),
        JSONMember("dropped-stores", .integer(flushes.droppedStores)),
        JSONMember(
            "sync-latency-ns",
            .object([
                JSONMember("count", .integer(latency.count)), JSONMember("median", .integer(latency.median)),
                JSONMember("p90", .integer(latency.percentile90)), JSONMember("p99", .integer(latency.percentile99)),
                JSONMember("maximum", .integer(latency.maximum)),
            ])),
    ]
    if let failure = flushes.failure { members.append(JSONMember("failure", .string(failure))) }
    if let limit = flushes.limit {
        members.append(JSONMember("flush-rate", .integer(limit.rate)))
        members.append(JSONMember("flush-burst", .integer(limit.burst)))
        members.append(JSONMember("throttled", .integer(flushes.throttled)))
    }
    return members
}
