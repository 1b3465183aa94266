import CLinux

extension OwnedDescriptor {
    /// Reads once, into the beginning of an array, from where the file stands.
    ///
    /// - Returns: how many bytes came; 0 at the end of the file.
    /// - Throws: the kernel's reason; for a non-blocking file that has nothing yet, `resourceTemporarilyUnavailable`.
    public borrowing func readOnce(into bytes: inout [UInt8], count: Int) throws(SystemCallError) -> Int {
        let number = rawValue
        return try systemCall("read") {
            unsafe bytes.withUnsafeMutableBytes { unsafe read(number, $0.baseAddress, min($0.count, max(count, 0))) }
        }
    }
}

/// The kernel's random numbers.
public enum KernelRandomness {
    /// Fills the beginning of an array, without ever blocking.
    ///
    /// - Returns: how many bytes came.
    /// - Throws: `resourceTemporarilyUnavailable` while the kernel, shortly after its start, has none.
    public static func read(into bytes: inout [UInt8], count: Int) throws(SystemCallError) -> Int {
        try systemCall("getrandom") {
            unsafe bytes.withUnsafeMutableBytes {
                unsafe getrandom($0.baseAddress, min($0.count, max(count, 0)), UInt32(GRND_NONBLOCK))
            }
        }
    }
}
