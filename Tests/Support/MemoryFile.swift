public import Host

/// A memory file, as a client passes its guest's RAM.
public struct MemoryFile: Sendable {
    public let descriptor: SharedDescriptor

    public init(byteCount: UInt64, isSealed: Bool = true) throws {
        let file = try OwnedDescriptor(memoryFileNamed: "guest", allowsSealing: isSealed)
        try file.resize(to: byteCount)
        if isSealed { try file.sealSize() }
        descriptor = SharedDescriptor(file)
    }

    public func map(byteCount: Int, offset: UInt64 = 0) throws -> HostMapping {
        try HostMapping(
            .file(descriptor.rawValue, offset: offset, shared: true, reserve: true), byteCount: byteCount,
            isSealed: true)
    }
}
