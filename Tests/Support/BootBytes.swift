public import Board

/// A boot file that is in memory already.
public struct BootBytes: BootFile {
    private let content: [UInt8]

    public init(_ content: [UInt8]) { self.content = content }

    public var byteCount: UInt64 { UInt64(content.count) }

    public func bytes(at offset: UInt64, count: Int) throws(BootFileError) -> [UInt8] {
        guard count >= 0, offset <= byteCount, UInt64(count) <= byteCount - offset else {
            throw .endOfFile(offset: offset, byteCount: UInt64(max(count, 0)))
        }
        return Array(content[Int(offset)..<Int(offset) + count])
    }
}
