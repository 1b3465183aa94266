/// VERSION: what the client speaks.
public struct VersionProposal: Equatable, Sendable {
    public let major: UInt16
    public let minor: UInt16
    /// The names in the `capabilities` object, sorted.
    public let capabilities: [String]
    /// The size of the version data in bytes; the reply's is no larger.
    public let dataByteCount: Int

    init?(_ reader: inout WireReader) throws(Refusal) {
        guard let major = reader.take(UInt16.self), let minor = reader.take(UInt16.self) else { return nil }
        let data = reader.rest
        reader = WireReader([])
        self.major = major
        self.minor = minor
        dataByteCount = data.count
        guard !data.isEmpty else {
            capabilities = []
            return
        }
        // The text and the zero byte that ends it.
        guard data.last == 0, let names = CapabilityNames(data.dropLast()).names else { throw .invalid }
        capabilities = names.sorted()
    }
}

/// What this server says of itself ("VFIO_USER_VERSION").
enum ServerVersion {
    static let major: UInt16 = 0
    /// The newest that the specification describes.
    static let minor: UInt16 = 1
    /// The most descriptors in one message.
    static let mostDescriptors = 8
    /// The most bytes of one region access.
    static let largestTransfer = 1 << 20
    /// The most memory maps at a time.
    static let mostMemoryMaps = 1024

    private static let capabilities = [
        ("max_msg_fds", "\(mostDescriptors)"), ("max_data_xfer_size", "\(largestTransfer)"),
        ("max_dma_maps", "\(mostMemoryMaps)"), ("write_multiple", "true"),
    ]

    /// The reply's payload: of the capabilities those that the client named, as far as the reply stays as short as the
    /// request, since the client may have no room for more.
    static func reply(to proposal: VersionProposal) -> [UInt8] {
        var writer = WireWriter()
        writer.put(major)
        writer.put(min(proposal.minor, minor))
        var members: [String] = []
        for (name, value) in capabilities where proposal.capabilities.contains(name) {
            let more = members + ["\"\(name)\":\(value)"]
            if data(more).count <= proposal.dataByteCount { members = more }
        }
        let data = data(members)
        if data.count <= proposal.dataByteCount { writer.put(data) }
        return writer.bytes
    }

    private static func data(_ members: [String]) -> [UInt8] {
        Array("{\"capabilities\":{\(members.joined(separator: ","))}}".utf8) + [0]
    }
}
