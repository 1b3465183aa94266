public import Host

/// Why a file's content did not reach guest memory.
public enum FileCopyError: Error, Equatable, Sendable {
    case memory(GuestMemoryError)
    case host(SystemCallError)
    /// The file is shorter than what was asked for.
    case endOfFile
}

extension MemoryMap {
    /// Reads a part of a file into guest memory, without a copy in this process.
    ///
    /// - Parameters:
    ///   - offset: in the file, in bytes.
    ///   - address: guest-physical.
    /// - Throws: on an error a first part may have been written.
    public func fill(
        from file: borrowing OwnedDescriptor, at offset: UInt64, byteCount: UInt64, to address: GuestAddress
    ) throws(FileCopyError) {
        var done: UInt64 = 0
        while done < byteCount {
            guard let target = address.advanced(by: done), let region = region(at: target) else {
                throw .memory(.unmapped(address))
            }
            let inRegion = target.rawValue - region.range.start.rawValue
            let piece = Int(min(byteCount - done, region.range.byteCount - inRegion, 64 << 20))
            let count = try mapError(
                region.mapping.readFile(file, at: offset &+ done, byteCount: piece, to: Int(inRegion)),
                to: FileCopyError.host)
            guard count > 0 else { throw .endOfFile }
            done += UInt64(count)
        }
    }
}
