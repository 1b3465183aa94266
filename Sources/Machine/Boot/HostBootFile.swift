import Board
import GuestMemory
import Host

/// A kernel or initial RAM disk on the host's file system. Kept open, so that a reboot starts the same file.
final class HostBootFile: BootFile, Sendable {
    let byteCount: UInt64
    private let descriptor: SharedDescriptor

    /// - Throws: what the kernel says; `isDirectory` for one.
    init(path: String) throws(SystemCallError) {
        let opened = try OwnedDescriptor(opening: path, access: .read)
        byteCount = try opened.regularFileByteCount(path)
        descriptor = SharedDescriptor(opened)
    }

    func bytes(at offset: UInt64, count: Int) throws(BootFileError) -> [UInt8] {
        guard let bytes = try read({ $0.bytes(at: offset, count: count) }), bytes.count == count else {
            throw .endOfFile(offset: offset, byteCount: UInt64(max(count, 0)))
        }
        return bytes
    }

    func copy(at offset: UInt64, byteCount: UInt64, to address: GuestAddress, in memory: MemoryMap)
        throws(BootFileError)
    {
        let result = descriptor.with { file in
            Result { () throws(BootFileError) in
                do throws(FileCopyError) {
                    try memory.fill(from: file, at: offset, byteCount: byteCount, to: address)
                } catch {
                    throw switch error {
                    case .memory(let reason): .memory(reason)
                    case .host(let reason): .unreadable("\(reason.errno)")
                    case .endOfFile: .endOfFile(offset: offset, byteCount: byteCount)
                    }
                }
            }
        }
        try result.get()
    }

    private func read(
        _ body: (borrowing OwnedDescriptor) -> Result<[UInt8], SystemCallError>
    ) throws(BootFileError) -> [UInt8]? {
        switch descriptor.with(body) {
        case .success(let bytes): return bytes
        case .failure(let error): throw .unreadable("\(error.errno)")
        }
    }
}
