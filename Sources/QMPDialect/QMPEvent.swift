public import QEMUDialect

/// An event as QMP names it.
public struct QMPEvent: Equatable, Sendable {
    public let name: String
    public let data: JSONValue?

    public init(_ event: MonitorEvent) {
        switch event {
        case .shutdown(let cause): (name, data) = ("SHUTDOWN", Self.data(cause))
        case .reset(let cause): (name, data) = ("RESET", Self.data(cause))
        case .stop: (name, data) = ("STOP", nil)
        case .resume: (name, data) = ("RESUME", nil)
        case .powerDown: (name, data) = ("POWERDOWN", nil)
        case .deviceDeleted(let id): (name, data) = ("DEVICE_DELETED", Self.data(device: id))
        case .unplugRefused(let id): (name, data) = ("DEVICE_UNPLUG_GUEST_ERROR", Self.data(device: id))
        case .flushFailed(let failure): (name, data) = ("x-needletail-PMEM_FLUSH_FAILED", Self.data(failure))
        case .memoryFault(let fault): (name, data) = ("x-needletail-PMEM_FAULT", Self.data(fault))
        }
    }

    private static func data(_ cause: ShutdownCause) -> JSONValue {
        .object(["guest": .boolean(cause.isGuest), "reason": .string(cause.rawValue)])
    }

    private static func data(_ failure: FlushFailure) -> JSONValue {
        .object(
            members(id: failure.id, path: failure.path)
                + [
                    JSONMember("memdev", .string(failure.memoryBackend)),
                    JSONMember("errno", .string(failure.errorName)),
                ])
    }

    private static func data(_ fault: MemoryFault) -> JSONValue {
        .object(
            members(id: fault.id, path: fault.path)
                + (fault.address.map { [JSONMember("address", .integer($0))] } ?? [])
                + [JSONMember("reason", .string(fault.reason))])
    }

    private static func members(id: String?, path: String?) -> [JSONMember] {
        (id.map { [JSONMember("id", .string($0))] } ?? []) + (path.map { [JSONMember("path", .string($0))] } ?? [])
    }

    /// A device without an id has a path all the same.
    private static func data(device id: String?) -> JSONValue {
        guard let id else { return .object(["path": "/machine/peripheral-anon"]) }
        return .object(["device": .string(id), "path": .string("/machine/peripheral/\(id)")])
    }
}
