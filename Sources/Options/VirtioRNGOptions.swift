/// A virtio-rng-pci device as it was asked for.
public struct VirtioRNGOptions: DeviceOptions {
    public static let model = "virtio-rng-pci"

    public var pci: VirtioPCIOptions
    /// `rng`: the id of the rng-backend object; nil gives the device an rng-builtin of its own.
    public var source: String?
    /// `max-bytes`: how many bytes the guest may take in a period; below 2^63. The default is no limit in practice.
    public var maximumByteCount = UInt64(Int64.max)
    /// `period`, in milliseconds; not 0.
    public var period: UInt32 = 1 << 16

    public init(source: String? = nil, pci: VirtioPCIOptions = VirtioPCIOptions()) {
        self.source = source
        self.pci = pci
    }

    public var objects: [ObjectReference] {
        guard let source else { return [] }
        return [ObjectReference(property: "rng", id: source, interface: "rng-backend", isExclusive: false)]
    }
}

/// `rng-random`: random bytes from a file or a character device of the host.
public struct RNGRandomOptions: ObjectOptions {
    public static let type = "rng-random"
    public static let interface = "rng-backend"

    public var id: String
    /// `filename`.
    public var path = "/dev/urandom"

    public init(id: String) { self.id = id }
}

/// `rng-builtin`: random bytes from the host's kernel, without a file.
public struct RNGBuiltinOptions: ObjectOptions {
    public static let type = "rng-builtin"
    public static let interface = "rng-backend"

    public var id: String

    public init(id: String) { self.id = id }
}
