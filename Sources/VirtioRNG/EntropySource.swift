public import Host

/// Where a device's random bytes come from.
public protocol EntropySource: Sendable {
    /// Reads into the beginning of an array. Never blocks.
    ///
    /// - Parameter count: at most so many bytes; the array has no fewer.
    func read(into bytes: inout [UInt8], count: Int) -> EntropyReading
    /// Can be read once the source has bytes again; nil for a source that cannot be waited for.
    var descriptor: CInt? { get }
}

/// What a source gave.
public enum EntropyReading: Equatable, Sendable {
    /// So many bytes, above 0.
    case bytes(Int)
    /// Nothing yet.
    case notYet
    /// The source is at its end.
    case ended
    case failed(SystemCallError)
}

/// A character device, a FIFO or a plain file (QEMU's `rng-random`).
public final class EntropyFile: EntropySource {
    /// QEMU's default.
    public static let defaultPath = "/dev/urandom"

    private let file: OwnedDescriptor

    public init(path: String = EntropyFile.defaultPath) throws(SystemCallError) {
        file = try OwnedDescriptor(opening: path, access: .read)
    }

    public var descriptor: CInt? { file.rawValue }

    public func read(into bytes: inout [UInt8], count: Int) -> EntropyReading {
        do throws(SystemCallError) {
            let read = try file.readOnce(into: &bytes, count: count)
            return read > 0 ? .bytes(read) : .ended
        } catch {
            return EntropyReading(error)
        }
    }
}

/// The kernel's own random numbers (QEMU's `rng-builtin`).
public struct BuiltinEntropy: EntropySource {
    public init() {}

    public var descriptor: CInt? { nil }

    public func read(into bytes: inout [UInt8], count: Int) -> EntropyReading {
        do throws(SystemCallError) { return .bytes(try KernelRandomness.read(into: &bytes, count: count)) } catch {
            return EntropyReading(error)
        }
    }
}

extension EntropyReading {
    fileprivate init(_ error: SystemCallError) {
        self = error.errno == .resourceTemporarilyUnavailable ? .notYet : .failed(error)
    }
}
