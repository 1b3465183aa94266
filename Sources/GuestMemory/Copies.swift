import Host

// Guest memory is shared with a hostile writer: every access copies, checks its bounds, and reports where it failed.
// All integers are little-endian, as everything in guest memory that a device reads is.

extension MemoryMap {
    /// Copies bytes out of guest memory. The range may span regions that adjoin.
    ///
    /// - Throws: `unmapped`, `wraps` or `fault`; the result is all or nothing.
    public func bytes(at address: GuestAddress, count: Int) throws(GuestMemoryError) -> [UInt8] {
        // The count may be the guest's: nothing is allocated before every byte is known to be memory.
        try forEachPiece(of: address, byteCount: count) { _, _, _, _ in }
        var result = [UInt8](repeating: 0, count: max(count, 0))
        try unsafe withBytes(of: &result) { (buffer) throws(GuestMemoryError) in
            try unsafe read(at: address, into: buffer)
        }
        return result
    }

    /// Copies bytes into guest memory. On an error a first part may have been written.
    ///
    /// - Throws: `unmapped`, `wraps`, `readOnly` or `fault`.
    public func write(_ bytes: [UInt8], at address: GuestAddress) throws(GuestMemoryError) {
        try write(bytes.span, at: address)
    }

    /// Copies bytes into guest memory. On an error a first part may have been written.
    ///
    /// - Throws: `unmapped`, `wraps`, `readOnly` or `fault`.
    public func write(_ bytes: Span<UInt8>, at address: GuestAddress) throws(GuestMemoryError) {
        try unsafe bytes.bytes.withUnsafeBytes { (buffer) throws(GuestMemoryError) in
            try unsafe write(buffer, at: address)
        }
    }

    /// Copies a little-endian integer out of guest memory; the address need not be aligned.
    public func load<Value: FixedWidthInteger & BitwiseCopyable>(
        _ type: Value.Type = Value.self, at address: GuestAddress
    ) throws(GuestMemoryError) -> Value {
        var value: Value = 0
        try unsafe withUnsafeMutableBytes(of: &value) { (buffer) throws(GuestMemoryError) in
            try unsafe read(at: address, into: buffer)
        }
        return Value(littleEndian: value)
    }

    /// Copies a little-endian integer into guest memory; the address need not be aligned.
    public func store<Value: FixedWidthInteger & BitwiseCopyable>(
        _ value: Value, at address: GuestAddress
    ) throws(GuestMemoryError) {
        try unsafe withUnsafeBytes(of: value.littleEndian) { (buffer) throws(GuestMemoryError) in
            try unsafe write(buffer, at: address)
        }
    }

    /// Copies out of guest memory into a buffer of this process.
    @unsafe
    package func read(at address: GuestAddress, into buffer: UnsafeMutableRawBufferPointer) throws(GuestMemoryError) {
        try forEachPiece(of: address, byteCount: buffer.count) {
            (region, offset, done, count) throws(GuestMemoryError) in
            do throws(HostMapping.Fault) {
                try unsafe region.mapping.copy(
                    from: offset, into: UnsafeMutableRawBufferPointer(rebasing: buffer[done..<done + count]))
            } catch {
                throw .fault(GuestAddress(region.range.start.rawValue &+ UInt64(clamping: error.offset)))
            }
        }
    }

    /// Copies into guest memory from a buffer of this process.
    @unsafe
    package func write(_ buffer: UnsafeRawBufferPointer, at address: GuestAddress) throws(GuestMemoryError) {
        try forEachPiece(of: address, byteCount: buffer.count) {
            (region, offset, done, count) throws(GuestMemoryError) in
            guard !region.mapping.isReadOnly else {
                throw .readOnly(GuestAddress(region.range.start.rawValue &+ UInt64(offset)))
            }
            do throws(HostMapping.Fault) {
                try unsafe region.mapping.copy(
                    UnsafeRawBufferPointer(rebasing: buffer[done..<done + count]), to: offset)
            } catch {
                throw .fault(GuestAddress(region.range.start.rawValue &+ UInt64(clamping: error.offset)))
            }
        }
    }

    private func withBytes(
        of array: inout [UInt8], _ body: (UnsafeMutableRawBufferPointer) throws(GuestMemoryError) -> Void
    ) throws(GuestMemoryError) {
        let result = unsafe array.withUnsafeMutableBytes { buffer -> Result<Void, GuestMemoryError> in
            do throws(GuestMemoryError) { return .success(try unsafe body(buffer)) } catch { return .failure(error) }
        }
        try result.get()
    }
}
