public import QEMUDialect
public import VirtioPMem

// What the command line's words mean for the device.

extension FlushPolicy {
    /// Whoever takes memory without a file, or says discard-data=on, says that the data is to be thrown away. A private copy of
    /// a file (share=off) alone does not say it: the guest would take its flushes for kept.
    public init(_ options: QEMUDialect.MemoryBackendOptions) {
        self = options.file?.discardsData ?? true ? .discardOnPowerOff : .syncBackend
    }
}

extension FlushLimit {
    public init(_ options: FlushLimitOptions) { self.init(rate: options.rate, burst: options.burst) }
}

extension VirtioPMemOptions {
    /// The device's id. Where none was given, a name that no id can equal: ids have no `=`.
    public var name: String { id ?? "memdev=\(memoryBackend)" }
}
