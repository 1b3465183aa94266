import GuestMemory

/// A file that is loaded into the guest: a kernel or an initial RAM disk.
public protocol BootFile: Sendable {
    /// The size in bytes.
    var byteCount: UInt64 { get }
    /// Reads exactly `count` bytes from `offset` on.
    func bytes(at offset: UInt64, count: Int) throws(BootFileError) -> [UInt8]
    /// Copies a part of the file into guest memory. The default reads it in pieces; a file that is mapped, or that can
    /// be read straight into guest memory, does better.
    func copy(
        at offset: UInt64, byteCount: UInt64, to address: GuestAddress, in memory: MemoryMap
    ) throws(BootFileError)
}

/// Why a part of a boot file is not where it should be.
public enum BootFileError: Error, Equatable, Sendable {
    /// The file could not be read; the host's reason.
    case unreadable(String)
    /// The file ends before the part that was asked for.
    case endOfFile(offset: UInt64, byteCount: UInt64)
    /// Guest memory did not take the bytes.
    case memory(GuestMemoryError)
}

extension BootFile {
    public func copy(
        at offset: UInt64, byteCount: UInt64, to address: GuestAddress, in memory: MemoryMap
    ) throws(BootFileError) {
        let pieceByteCount: UInt64 = 256 << 10
        var done: UInt64 = 0
        while done < byteCount {
            let count = min(byteCount - done, pieceByteCount)
            let (from, overflow) = offset.addingReportingOverflow(done)
            guard !overflow, let target = address.advanced(by: done) else {
                throw .endOfFile(offset: offset, byteCount: byteCount)
            }
            let piece = try bytes(at: from, count: Int(count))
            do throws(GuestMemoryError) { try memory.write(piece, at: target) } catch { throw .memory(error) }
            done += count
        }
    }
}
