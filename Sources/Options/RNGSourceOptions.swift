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
