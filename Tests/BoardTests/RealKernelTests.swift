import Foundation
import GuestMemory
import TestSupport
import Testing

@testable import Board

/// A file that is mapped.
private struct MappedFile: BootFile {
    let data: Data
    var byteCount: UInt64 { UInt64(data.count) }

    func bytes(at offset: UInt64, count: Int) throws(BootFileError) -> [UInt8] {
        let (end, overflow) = offset.addingReportingOverflow(UInt64(max(count, 0)))
        guard !overflow, end <= byteCount else { throw .endOfFile(offset: offset, byteCount: UInt64(count)) }
        return [UInt8](data[Int(offset)..<Int(end)])
    }
}

/// A kernel that `Scripts/guest-kernel` fetched.
struct RealKernel: Sendable, CustomTestStringConvertible {
    let suite: String
    let name: String
    let url: URL
    var testDescription: String { "\(suite)/\(name)" }

    static let all: [RealKernel] = {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let cache = ProcessInfo.processInfo.environment["NEEDLETAIL_CACHE"].map { URL(fileURLWithPath: $0) }
        let folder = (cache ?? root.appendingPathComponent(".cache")).appendingPathComponent("kernel")
        let suites = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        let found = suites.sorted().flatMap { suite in
            ["vmlinuz", "vmlinux"].map { name in
                RealKernel(suite: suite, name: name, url: folder.appendingPathComponent("\(suite)/\(name)"))
            }
        }.filter { FileManager.default.fileExists(atPath: $0.url.path) }
        if found.isEmpty { print("skipped: no kernel in \(folder.path) (Scripts/guest-kernel fetches one)") }
        return found
    }()
}

@Suite struct RealKernelTests {
    @Test(.enabled(if: !RealKernel.all.isEmpty), arguments: RealKernel.all)
    func loads(_ kernel: RealKernel) throws {
        let board = try BoardLayout(ramByteCount: 256 * mebibyte, physicalAddressBits: 40)
        let memory = try MemoryMap.ram(board)
        let data = try Data(contentsOf: kernel.url, options: .alwaysMapped)
        let request = BootRequest(
            kernel: MappedFile(data: data), initrd: BootBytes([1, 2, 3]), commandLine: "console=ttyS0",
            rsdp: GuestAddress(0xE0000))
        let state = try KernelLoader(board: board, memory: memory).load(request)
        let code = try memory.bytes(at: GuestAddress(state.rip), count: 4096)
        #expect(data.range(of: Data(code)) != nil, "the entry point's code comes from the file")
        #expect(code.contains { $0 != 0 })
        #expect(state.mode == (kernel.name == "vmlinuz" ? .long64 : .protected32))
    }
}
