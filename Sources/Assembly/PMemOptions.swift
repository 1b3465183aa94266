public import Options
public import VirtioPMem

// What the command line's words mean for the device.

extension FlushPolicy {
    /// Memory without a file, and discard-data=on, say that the data is to be thrown away. A private copy of a file (share=off) alone
    /// does not say it: the guest would take its flushes for kept.
    public init(_ options: any MemoryBackendOptions) {
        switch options {
        case let options as FileBackendOptions: self = options.discardsData ? .discardOnPowerOff : .syncBackend
        default: self = .discardOnPowerOff
        }
    }
}

extension FlushLimit {
    public init(_ options: FlushLimitOptions) { self.init(rate: options.rate, burst: options.burst) }
}

extension VirtioPMemOptions {
    /// The device's id. Where none was given, a name that no id can equal: ids have no `=`.
    public var name: String { id ?? anonymousName }
}
