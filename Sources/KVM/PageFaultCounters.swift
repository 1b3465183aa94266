import CLinux
import Host

/// A vCPU's faults on guest memory, as the kernel counts them since the vCPU was made.
public struct PageFaultCounts: Equatable, Sendable {
    /// Faults that were taken and led to nothing yet: the guest will take them again.
    public let unresolved: UInt64
    /// Faults after which the guest had its page.
    public let fixed: UInt64

    public init(unresolved: UInt64, fixed: UInt64) {
        self.unresolved = unresolved
        self.fixed = fixed
    }
}

/// The kernel's binary statistics of a vCPU (KVM API, section 4.133), those about page faults.
public final class PageFaultCounters: Sendable {
    /// `pf_guest`: with shadow paging, a fault that is the guest's own to handle.
    private static let resolutions = ["pf_emulate", "pf_spurious", "pf_fast", "pf_guest"]

    private let descriptor: OwnedDescriptor
    /// Where the counters are, in bytes, by name.
    private let offsets: [String: UInt64]

    /// nil where the kernel does not count these (before Linux 6.0).
    public init?(_ processor: VirtualCPU) {
        guard let descriptor = processor.openStatistics(), let offsets = Self.findCounters(in: descriptor) else {
            return nil
        }
        guard (["pf_taken", "pf_fixed"] + Self.resolutions).allSatisfy({ offsets[$0] != nil }) else { return nil }
        self.descriptor = descriptor
        self.offsets = offsets
    }

    /// nil if the kernel does not tell.
    public func read() -> PageFaultCounts? {
        guard let taken = value("pf_taken"), let fixed = value("pf_fixed") else { return nil }
        let resolved = Self.resolutions.reduce(fixed) { $0 &+ (value($1) ?? 0) }
        return PageFaultCounts(unresolved: taken > resolved ? taken - resolved : 0, fixed: fixed)
    }

    private func value(_ name: String) -> UInt64? {
        guard let offset = offsets[name], case .success(let bytes) = descriptor.bytes(at: offset, count: 8) else {
            return nil
        }
        return Self.number(in: bytes, at: 0, byteCount: 8)
    }

    /// Reads `struct kvm_stats_header` and the `struct kvm_stats_desc` behind it.
    private static func findCounters(in descriptor: borrowing OwnedDescriptor) -> [String: UInt64]? {
        guard case .success(let header) = descriptor.bytes(at: 0, count: 24), let nameSize = number(in: header, at: 4),
            let count = number(in: header, at: 8), let start = number(in: header, at: 16),
            let data = number(in: header, at: 20), nameSize < 4096, count < 4096
        else { return nil }
        let size = Int(nameSize) + 16
        guard case .success(let table) = descriptor.bytes(at: start, count: size * Int(count)) else { return nil }
        var offsets: [String: UInt64] = [:]
        for begin in stride(from: 0, to: table.count - size + 1, by: size) {
            guard let offset = number(in: table, at: begin + 8) else { continue }
            let name = table[(begin + 16)..<(begin + size)].prefix { $0 != 0 }
            offsets[String(decoding: name, as: UTF8.self)] = data + offset
        }
        return offsets
    }

    private static func number(in bytes: [UInt8], at offset: Int, byteCount: Int = 4) -> UInt64? {
        guard offset >= 0, offset + byteCount <= bytes.count else { return nil }
        return bytes[offset..<(offset + byteCount)].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}
