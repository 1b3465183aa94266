/// What a fuzzer may attack. The name is that of its corpus in `Fuzz/corpus`.
public enum FuzzTarget: String, CaseIterable, Sendable {
    /// A client's messages to `serve`.
    case vfioUser = "vfio-user"
    /// A program's bytes to the monitor.
    case qmp
    /// Lines typed at the human monitor.
    case hmp
    /// Command lines of `run` and `serve`.
    case options
    /// Kernel files.
    case kernel
    /// What a driver writes into a virtqueue, split or packed.
    case ring

    /// Lets the code that meets such input first do its work with it.
    ///
    /// - Returns: which promise it broke; nil if none.
    public func run(_ bytes: [UInt8]) throws -> String? {
        switch self {
        case .vfioUser: try SessionInput(bytes).run()
        case .qmp: runQMPInput(bytes)
        case .hmp: runHMPInput(bytes)
        case .options: runOptionsInput(bytes)
        case .kernel: try KernelInput(bytes).run()
        case .ring:
            if var input = try RingInput(bytes) { try input.run() } else { nil }
        }
    }
}
