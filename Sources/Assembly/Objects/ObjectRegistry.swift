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

    /// Makes an object.
    ///
    /// - Throws: what the host refused; nothing has changed then, on disk neither.
    public mutating func add(_ options: any ObjectOptions) throws(AssemblyError) -> any ConfiguredObject {
        let object = try ObjectRow.make(options)
        objects.append(object)
        return object
    }

    /// Forgets an object.
    public mutating func remove(_ id: String) -> (any ConfiguredObject)? {
        objects.firstIndex { $0.id == id }.map { objects.remove(at: $0) }
    }
}
