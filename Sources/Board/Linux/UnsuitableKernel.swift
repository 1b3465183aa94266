/// Tells what a file is that cannot be started, by its magic numbers.
enum UnsuitableKernel {
    private static let compressions: [(String, [UInt8])] = [
        ("gzip", [0x1F, 0x8B]), ("zstd", [0x28, 0xB5, 0x2F, 0xFD]), ("xz", [0xFD, 0x37, 0x7A, 0x58, 0x5A]),
        ("bzip2", [0x42, 0x5A, 0x68]), ("lzma", [0x5D, 0x00, 0x00]), ("lzo", [0x89, 0x4C, 0x5A, 0x4F]),
        ("lz4", [0x02, 0x21, 0x4C, 0x18]), ("lz4", [0x04, 0x22, 0x4D, 0x18]),
    ]

    static func identify(_ head: [UInt8]) -> BootError.Unsuitable {
        guard !head.isEmpty else { return .empty }
        if let (name, _) = compressions.first(where: { head.starts(with: $0.1) }) { return .compressed(name) }
        if head.slice(at: 4, count: 4) == Array("zimg".utf8) { return .compressedEFI }
        if head.slice(at: 0x38, count: 4) == [0x41, 0x52, 0x4D, 0x64] { return .arm64 }
        return .unknown
    }
}
