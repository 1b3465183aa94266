import SystemPackage

/// Something about a memory backend that works but will surprise.
public enum MemoryBackendWarning: Equatable, Sendable, CustomStringConvertible {
    /// Linux maps persistent memory in units of 2 MiB only.
    case sizeLinuxCannotMap(id: String, byteCount: UInt64)
    /// The size was rounded up to whole pages. All in bytes.
    case sizeRoundedUp(id: String, given: UInt64, used: UInt64)
    /// The file is in use without a lock, since its file system has none.
    case notLocked(path: String, reason: Errno)
    /// The new file's name may be gone after a power cut.
    case nameNotDurable(path: String, reason: Errno)

    public var description: String {
        switch self {
        case .sizeLinuxCannotMap(let id, let byteCount):
            "memory backend '\(id)': size \(sizeText(byteCount)) is no multiple of 2M, and Linux guests cannot use such "
                + "persistent memory; \(Self.sizesThatWork(besides: byteCount)) would work"
        case .sizeRoundedUp(let id, let given, let used):
            "memory backend '\(id)': size \(given) is no multiple of the page size, \(used) bytes are used"
        case .notLocked(let path, let reason):
            "'\(path)' cannot be locked (\(reason)): make sure that no other machine uses it, and say locking=off"
        case .nameNotDurable(let path, let reason):
            "the directory of '\(path)' cannot be synchronized (\(reason)): after a power cut the new file may be missing"
        }
    }

    private static func sizesThatWork(besides byteCount: UInt64) -> String {
        let unit: UInt64 = 2 << 20
        let below = byteCount / unit * unit
        let (above, overflow) = below.addingReportingOverflow(unit)
        let sizes = (below > 0 ? [below] : []) + (overflow ? [] : [above])
        return sizes.map { "size=\(sizeText($0))" }.joined(separator: " or ")
    }
}

/// A size as the command line takes it, in the largest unit that gives a whole number.
func sizeText(_ byteCount: UInt64) -> String {
    for (letter, shift) in [("T", 40), ("G", 30), ("M", 20), ("K", 10)] as [(String, UInt64)] {
        if byteCount > 0, byteCount & ((1 << shift) - 1) == 0 { return "\(byteCount >> shift)\(letter)" }
    }
    return "\(byteCount)"
}

func hexadecimal(_ value: UInt64) -> String { "0x" + String(value, radix: 16) }
