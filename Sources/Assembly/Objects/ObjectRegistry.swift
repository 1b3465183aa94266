public import Backend
public import Options

/// The objects of a machine or a server by id, of whatever kind.
public struct ObjectRegistry: Sendable {
    /// In the order in which they were made.
    public private(set) var objects: [any ConfiguredObject] = []

    public init() {}

    public subscript(id: String) -> (any ConfiguredObject)? { objects.first { $0.id == id } }

    /// Those that are memory.
    public var memoryBackends: [any MemoryBackend] { objects.compactMap(\.memory) }

    /// Makes an object. May take long: memory may have to be allocated.
    ///
    /// - Throws: what the host refused; nothing has changed then, on disk neither.
    public static func make(_ options: any ObjectOptions) throws(AssemblyError) -> any ConfiguredObject {
        try ObjectRow.make(options)
    }

    /// Takes in an object whose id no other has.
    public mutating func add(_ object: any ConfiguredObject) { objects.append(object) }

    /// Forgets an object.
    public mutating func remove(_ id: String) { objects.removeAll { $0.id == id } }
}
