/// A memory-backend object as it was asked for; every property has its effective value.
public struct MemoryBackendOptions: Equatable, Sendable {
    /// `qom-type`.
    public enum Kind: String, CaseIterable, Sendable {
        case file = "memory-backend-file"
        case memfd = "memory-backend-memfd"
        case ram = "memory-backend-ram"
    }

    /// QEMU's `OnOffAuto`.
    public enum AutomaticSwitch: String, CaseIterable, Sendable {
        case auto, on, off
    }

    /// `durability`: when the guest's stores reach the file. Ours.
    public enum Durability: String, CaseIterable, Sendable {
        /// At once, in the host's page cache; flushes synchronize it.
        case fsync
        /// With the guest's flushes, and by nothing else, so that a power cut can be tried out.
        case powerCutTest = "power-cut-test"
    }

    public var kind: Kind
    /// The object's name, unique among objects.
    public var id: String
    /// Bytes that the guest sees; never 0.
    public var size: UInt64
    /// `share`: stores reach the file (or the memfd) instead of a private copy. Default on for memfd, off otherwise.
    public var isShared: Bool
    /// `reserve`: swap space (or huge pages) is reserved for private memory. Default on.
    public var reservesSwap: Bool
    /// `prealloc`: every page is allocated before the guest starts. Default off.
    public var preallocates: Bool
    /// `prealloc-threads`: how many threads may share that work; at least 1. No more than a hint.
    public var preallocationThreads: UInt64
    /// `merge`: the pages may be merged with equal ones (KSM). Default on; no more than a hint.
    public var mayMerge: Bool
    /// `dump`: the memory is part of the monitor's own core dump. Default on; no more than a hint.
    public var isDumped: Bool
    /// Only for ``Kind/file``.
    public var file: FileOptions?
    /// `seal`, only for ``Kind/memfd``: growing and shrinking is sealed. Default on.
    public var isSealed: Bool

    /// The properties that only memory-backend-file has.
    public struct FileOptions: Equatable, Sendable {
        /// `mem-path`.
        public var path: String
        /// `readonly`: the file is opened for reading only. Default off.
        public var opensReadOnly: Bool
        /// `rom`, as given.
        public var readOnlyMemory: AutomaticSwitch
        /// `locking`: whether the file is locked against a second user; `auto` does without where the file system has no
        /// locks. Ours: QEMU has it for disk images only.
        public var locking: AutomaticSwitch
        /// `align`: bytes that the host address is a multiple of; 0 is the host's choice.
        public var alignment: UInt64
        /// `offset`: bytes into the file where the memory begins. Default 0.
        public var offset: UInt64
        /// `discard-data`: the content need not outlive the monitor. Default off.
        public var discardsData: Bool
        /// `durability`. Default ``Durability/fsync``.
        public var durability: Durability

        /// Whether the guest's view is read-only: `rom=auto` follows `readonly`.
        public var isReadOnlyMemory: Bool {
            switch readOnlyMemory {
            case .on: true
            case .off: false
            case .auto: opensReadOnly
            }
        }
    }
}

/// What an option's text gives: a value, with the warnings that it deserves, or a text that answers `help`.
public enum ParsedOption<Value: Sendable>: Sendable {
    case value(Value, warnings: [String])
    case help(String)
}

extension ParsedOption: Equatable where Value: Equatable {}
