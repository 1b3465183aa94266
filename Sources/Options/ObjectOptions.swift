/// What is asked of an object that devices use, whatever its type.
public protocol ObjectOptions: Equatable, Sendable {
    /// `qom-type`, such as `memory-backend-file`.
    static var type: String { get }
    /// What the object is for a device, such as `memory-backend`.
    static var interface: String { get }
    /// The object's name, unique among objects.
    var id: String { get set }
    /// These options, if they are a memory backend's. A cast would do, but search the conformances of the whole
    /// executable.
    var memoryBackend: (any MemoryBackendOptions)? { get }
}

extension ObjectOptions {
    public var type: String { Self.type }
    public var interface: String { Self.interface }

    public var memoryBackend: (any MemoryBackendOptions)? { nil }

    public func isEqual(to other: any ObjectOptions) -> Bool { other as? Self == self }
}
