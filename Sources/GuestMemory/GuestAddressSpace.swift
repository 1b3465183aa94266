import Synchronization

/// The guest's memory as devices hold it: always the newest map.
///
/// A device takes `map` once per piece of work. A map keeps its regions mapped as long as it is held, so memory that is
/// unplugged meanwhile stays readable until the work ends.
public final class GuestAddressSpace: Sendable {
    private let current: Mutex<MemoryMap>

    public init(_ map: MemoryMap = MemoryMap()) {
        current = Mutex(map)
    }

    /// The address space as it is now.
    public var map: MemoryMap { current.withLock { $0 } }

    /// Changes the address space; on an error it stays as it was.
    public func update<Result>(
        _ change: (inout sending MemoryMap) throws(GuestMemoryError) -> sending Result
    ) throws(GuestMemoryError) -> Result {
        try current.withLock { (map) throws(GuestMemoryError) in
            var next = map
            let result = try change(&next)
            map = next
            return result
        }
    }
}
