import CLinux
import SystemPackage

extension OwnedDescriptor {
    /// The size of a plain file, in bytes.
    ///
    /// - Parameter path: for the message.
    /// - Throws: `isDirectory` for a directory, `invalidArgument` for anything else that has no size.
    public borrowing func regularFileByteCount(_ path: String) throws(SystemCallError) -> UInt64 {
        let status = try status(path)
        switch status.kind {
        case .regular: return status.byteCount
        case .directory: throw SystemCallError(call: "read", subject: path, errno: .isDirectory)
        default: throw SystemCallError(call: "read", subject: path, errno: .invalidArgument)
        }
    }

    /// Reads up to `count` bytes from `offset` on; fewer at the end of the file.
    public borrowing func bytes(at offset: UInt64, count: Int) -> Result<[UInt8], SystemCallError> {
        var bytes = [UInt8](repeating: 0, count: max(count, 0))
        let number = rawValue
        return Result { () throws(SystemCallError) in
            let read = try systemCall("pread") {
                unsafe bytes.withUnsafeMutableBytes {
                    unsafe pread(number, $0.baseAddress, $0.count, off_t(clamping: offset))
                }
            }
            return Array(bytes.prefix(read))
        }
    }
}

extension OwnedDescriptor {
    /// Writes all of the bytes at `offset`, in bytes.
    public borrowing func writeAll(_ bytes: [UInt8], at offset: UInt64) throws(SystemCallError) {
        var done = 0
        while done < bytes.count {
            let (number, rest, place) = (rawValue, done, off_t(clamping: offset &+ UInt64(done)))
            done += try systemCall("pwrite") {
                unsafe bytes.withUnsafeBytes { buffer in
                    let left = unsafe UnsafeRawBufferPointer(rebasing: buffer[rest...])
                    return unsafe pwrite(number, left.baseAddress, left.count, place)
                }
            }
        }
    }
}

extension HostMapping {
    /// Reads from a file straight into the mapping.
    ///
    /// - Returns: how many bytes came; 0 at the end of the file.
    package func readFile(
        _ file: borrowing OwnedDescriptor, at fileOffset: UInt64, byteCount: Int, to offset: Int
    ) throws(SystemCallError) -> Int {
        guard offset >= 0, byteCount <= self.byteCount, offset <= self.byteCount - byteCount else {
            throw SystemCallError(call: "pread", errno: .badAddress)
        }
        let (number, address) = (file.rawValue, UInt(hostAddress) + UInt(offset))
        return try logged(offset, byteCount) { () throws(SystemCallError) in
            try systemCall("pread") {
                unsafe pread(
                    number, UnsafeMutableRawPointer(bitPattern: address), byteCount, off_t(clamping: fileOffset))
            }
        }
    }
}
