import GuestMemory
import Host
import PCI

/// A client's message.
public struct Message: Sendable {
    public let header: MessageHeader
    public let payload: [UInt8]
    public let descriptors: [SharedDescriptor]

    public init(header: MessageHeader, payload: [UInt8] = [], descriptors: [SharedDescriptor] = []) {
        self.header = header
        self.payload = payload
        self.descriptors = descriptors
    }
}

/// What a message came to.
public enum Outcome: Equatable, Sendable {
    /// A whole message, and the descriptors that go with it.
    case reply([UInt8], descriptors: [CInt])
    /// The client wants none.
    case silence
    /// Nothing that this client says can be believed any more; a sentence for a person.
    case end(String)
}

/// One client's dealings with a device, message by message, without a socket. Used by one thread.
public final class Session {
    private let device: ServedDevice
    private let regions: Regions
    private let memory: ClientMemory
    private let relays: [DoorbellRelay]
    private var hasVersion = false
    /// Whether the client sent a file that its memory cannot be in.
    private(set) var hasRefusedFile = false

    /// A session whose client gets no eventfd for a doorbell.
    package convenience init(_ device: ServedDevice) { self.init(device, relays: []) }

    /// - Parameter relays: of the device's doorbells that a kernel may ring.
    init(_ device: ServedDevice, relays: [DoorbellRelay]) {
        self.device = device
        self.relays = relays
        regions = Regions(device)
        memory = ClientMemory(device.memory)
        followStorage()
    }

    /// Ends the client's use of the device: what it does is let end, what the client gave is given back.
    public func close() {
        device.resetAndWait()
        device.function.observeMappings(nil)
        device.interrupts.reset()
        memory.showStorage(nil)
        memory.unmapAll()
    }

    /// Carries out a message.
    public func handle(_ message: Message) -> Outcome {
        let header = message.header
        guard header.isCommand else { return .end("it sent a reply to nothing") }
        guard hasVersion || header.command == Command.version.rawValue else {
            return .end("its first message was no VERSION")
        }
        do throws(Refusal) {
            let request = try Request(command: header.command, payload: message.payload[...])
            if case .version(let proposal) = request, proposal.major != ServerVersion.major {
                return .end("it speaks version \(proposal.major).\(proposal.minor) of the protocol, not 0")
            }
            let answer = try perform(request, message.descriptors)
            guard header.wantsReply else { return .silence }
            return .reply(Self.reply(to: header, answer.payload), descriptors: answer.descriptors)
        } catch {
            guard hasVersion else { return .end("its VERSION made no sense") }
            guard header.wantsReply else { return .silence }
            return .reply(Self.refusal(of: header, error), descriptors: [])
        }
    }

    private static func reply(to header: MessageHeader, _ payload: [UInt8]) -> [UInt8] {
        MessageHeader(
            identifier: header.identifier, command: header.command,
            messageByteCount: UInt32(MessageHeader.byteCount + payload.count), flags: MessageHeader.reply
        ).bytes + payload
    }

    private static func refusal(of header: MessageHeader, _ refusal: Refusal) -> [UInt8] {
        MessageHeader(
            identifier: header.identifier, command: header.command, messageByteCount: UInt32(MessageHeader.byteCount),
            flags: MessageHeader.reply | MessageHeader.error, errorNumber: UInt32(clamping: refusal.errorNumber)
        ).bytes
    }

    /// Keeps the device's storage in the guest's memory map at the address that its BAR has.
    private func followStorage() {
        guard let storage = device.storage else { return }
        device.function.observeMappings { [memory] change in
            guard change.index == storage.bar else { return }
            let range = change.address.flatMap {
                GuestRange(start: GuestAddress($0), byteCount: UInt64(clamping: storage.mapping.byteCount))
            }
            storage.place.value = range
            memory.showStorage(
                range.flatMap {
                    MemoryRegion(range: $0, mapping: storage.mapping, purpose: .persistentMemory(storage.name))
                })
        }
    }
}

// MARK: - Commands

extension Session {
    private struct Answer {
        var payload: [UInt8] = []
        var descriptors: [CInt] = []
    }

    private func perform(_ request: Request, _ descriptors: [SharedDescriptor]) throws(Refusal) -> Answer {
        guard descriptors.count <= Self.mostDescriptors(with: request) else { throw .invalid }
        switch request {
        case .version(let proposal):
            guard !hasVersion else { throw .invalid }
            hasVersion = true
            return Answer(payload: ServerVersion.reply(to: proposal))
        case .mapMemory(let mapping):
            do throws(Refusal) { try memory.map(mapping, file: descriptors.first) } catch {
                if error == .wrongDescriptor { hasRefusedFile = true }
                throw error
            }
        case .unmapMemory(let unmapping): return try unmap(unmapping)
        case .deviceInformation: return Answer(payload: DeviceInformation.payload)
        case .regionInformation(let index, let capacity): return try describeRegion(index, capacity)
        case .regionDescriptors(let index, let capacity): return try describeDoorbells(index, capacity)
        case .interruptInformation(let index): return try describeInterrupts(index)
        case .setInterrupts(let setting): try setInterrupts(setting, descriptors)
        case .readRegion(let access): return Answer(payload: Self.echo(access) + (try regions.load(access)))
        case .writeRegion(let access, let data):
            try regions.store(access, data)
            return Answer(payload: Self.echo(access))
        case .writeRegions(let writes):
            for write in writes { try regions.store(write.access, write.data) }
            var writer = WireWriter()
            writer.put(UInt64(writes.count))
            return Answer(payload: writer.bytes)
        case .reset: device.resetAndWait()
        }
        return Answer()
    }

    private static func mostDescriptors(with request: Request) -> Int {
        switch request {
        case .mapMemory: 1
        case .setInterrupts: ServerVersion.mostDescriptors
        default: 0
        }
    }

    private static func echo(_ access: RegionAccess) -> [UInt8] {
        var writer = WireWriter()
        writer.put(access.offset)
        writer.put(access.region)
        writer.put(access.byteCount)
        return writer.bytes
    }

    /// "The server responds with the original DMA entry in the request."
    private func unmap(_ request: MemoryUnmapping) throws(Refusal) -> Answer {
        try memory.unmap(request)
        var writer = WireWriter()
        writer.put(MemoryUnmapping.byteCount)
        writer.put(request.flags)
        writer.put(request.address)
        writer.put(request.byteCount)
        return Answer(payload: writer.bytes)
    }

    /// Without room for the capabilities the client gets the fixed part, learns how much it needs, and asks again
    /// ("Message sizes"). The file goes with the whole only, so that no client gets two.
    private func describeRegion(_ index: UInt32, _ capacity: UInt32) throws(Refusal) -> Answer {
        let information = try regions.information(index)
        let payload = information.payload
        guard payload.count <= Int(capacity) else {
            return Answer(payload: Array(payload.prefix(Int(RegionInformation.byteCount))))
        }
        let isMappable = information.mappableByteCount > 0
        return Answer(
            payload: payload, descriptors: isMappable ? device.storage.map { [$0.descriptor.rawValue] } ?? [] : [])
    }

    private func describeDoorbells(_ index: UInt32, _ capacity: UInt32) throws(Refusal) -> Answer {
        guard index < UInt32(RegionIndex.count) else { throw .invalid }
        let here = relays.filter { $0.doorbell.bar == Int(index) }
        let payload = RegionDescriptors.payload(
            index: index, doorbells: here.map { ($0.doorbell.offset, $0.doorbell.byteCount) }, capacity: capacity)
        let isWhole = payload.count > RegionDescriptors.byteCount
        return Answer(payload: payload, descriptors: isWhole ? here.map(\.event.rawDescriptor) : [])
    }

    private func describeInterrupts(_ index: UInt32) throws(Refusal) -> Answer {
        guard index < UInt32(InterruptIndex.count) else { throw .invalid }
        let count = index == InterruptIndex.messageSignalledExtended ? device.interrupts.count : 0
        return Answer(payload: InterruptInformation(index: index, vectorCount: count).payload)
    }

    private func setInterrupts(_ setting: InterruptSetting, _ descriptors: [SharedDescriptor]) throws(Refusal) {
        guard setting.index < UInt32(InterruptIndex.count) else { throw .invalid }
        if setting.index == InterruptIndex.messageSignalledExtended {
            return try device.interrupts.apply(setting, descriptors)
        }
        // Of the other kinds the device has none: there is nothing that could be set, but clients turn them off.
        guard setting.start == 0, setting.count == 0, descriptors.isEmpty else { throw .invalid }
    }
}
