import Foundation
import Host
import Options
import SystemPackage
import Testing

@testable import Backend

/// memory-backend-ram, memory-backend-memfd, and what all kinds say about themselves.
@Suite struct MemoryOnlyTests {
    @Test(
        "zeroed, writable, aligned memory of every kind",
        arguments: [
            RAMBackendOptions(id: "r", byteCount: 4 << 20),
            {
                var options = RAMBackendOptions(id: "r", byteCount: 4 << 20); options.isShared = true;
                return options
            }(),
            {
                var options = RAMBackendOptions(id: "r", byteCount: 4 << 20); options.memory.preallocates = true;
                return options
            }(),
            MemfdBackendOptions(id: "r", byteCount: 4 << 20),
            {
                var options = MemfdBackendOptions(id: "r", byteCount: 4 << 20); options.isShared = false;
                return options
            }(),
            {
                var options = MemfdBackendOptions(id: "r", byteCount: 4 << 20); options.isSealed = false;
                return options
            }(),
            {
                var options = MemfdBackendOptions(id: "r", byteCount: 4 << 20); options.memory.dumps = false;
                return options
            }(),
        ] as [any MemoryBackendOptions])
    func kinds(_ options: any MemoryBackendOptions) throws {
        let backend = try #require(try makeMemoryBackend(options))
        #expect(backend.id == "r")
        #expect(backend.byteCount == 4 << 20)
        #expect(backend.alignment == 2 << 20)
        #expect(backend.mapping.hostAddress % (2 << 20) == 0)
        #expect(!backend.reachesFile)
        #expect(backend.warnings.isEmpty)
        try backend.mapping.storeByte(7, at: (4 << 20) - 1)
        #expect(try backend.mapping.loadByte(at: (4 << 20) - 1) == 7)
        #expect(try backend.mapping.loadByte(at: 0) == 0)
        try backend.synchronize()
    }

    @Test(
        "1 GiB and more is aligned to 1 GiB",
        arguments: [
            ((1 << 30) - 4096, 2 << 20), (1 << 30, 1 << 30), (3 << 30, 1 << 30),
        ] as [(UInt64, UInt64)])
    func alignment(_ byteCount: UInt64, _ alignment: UInt64) throws {
        let bench = try Workbench()
        let backends: [any MemoryBackend] = try [
            FileBackend(bench.options("x", byteCount: byteCount)),
            RAMBackend(
                {
                    var options = RAMBackendOptions(id: "r", byteCount: byteCount); options.memory.reserves = false;
                    return options
                }()),
            MemfdBackend(MemfdBackendOptions(id: "f", byteCount: byteCount)),
        ]
        for backend in backends {
            #expect(backend.alignment == alignment)
            #expect(backend.mapping.hostAddress % alignment == 0)
        }
    }

    @Test(
        "what cannot be had",
        arguments: [
            (
                RAMBackendOptions(id: "r", byteCount: 0),
                "property 'size' of memory-backend-ram doesn't take value '0'"
            ),
            (
                MemfdBackendOptions(id: "r", byteCount: 0),
                "property 'size' of memory-backend-memfd doesn't take value '0'"
            ),
            (
                RAMBackendOptions(id: "r", byteCount: 256 << 40),
                "cannot set up guest memory 'r' of 256T: Cannot allocate memory"
            ),
            (RAMBackendOptions(id: "r", byteCount: .max), "'size' option 0xffffffffffffffff"),
            (MemfdBackendOptions(id: "r", byteCount: .max), "'size' option 0xffffffffffffffff"),
            (hugePages(4 << 20, of: 3 << 20), "Hugepage size must be a power of 2"),
            (hugePages(4 << 20, of: 1), "Hugepage size must be a power of 2"),
            (hugePages(3 << 20, of: 2 << 20), "memory size 0x300000 must be a multiple of huge page size 0x200000"),
            (hugePages(64 << 40, of: 2 << 20), "cannot set up guest memory 'r' of 64T: too few free huge pages"),
        ] as [(any MemoryBackendOptions, String)])
    func refused(_ options: any MemoryBackendOptions, _ start: String) throws {
        let error = memoryBackendError { _ = try makeMemoryBackend(options) }
        #expect(try #require(error).description.hasPrefix(start), "\(error?.description ?? "")")
    }

    private static func hugePages(_ byteCount: UInt64, of page: UInt64) -> any MemoryBackendOptions {
        var options = MemfdBackendOptions(id: "r", byteCount: byteCount)
        (options.usesHugePages, options.hugePageByteCount) = (true, page)
        return options
    }

    @Test(
        "sizes that Linux cannot map are named, with those that work",
        arguments: [
            (4 << 20, []), (3 << 20, ["size 3M is no multiple of 2M", "size=2M or size=4M would work"]),
            (1 << 20, ["size=2M would work"]),
            (5000, ["size 5000 is no multiple of the page size, 8192 bytes are used", "size 8K is no multiple of 2M"]),
            ((1 << 30) + 4096, ["size=1G or size=1026M would work"]),
        ] as [(UInt64, [String])])
    func warnings(_ byteCount: UInt64, _ parts: [String]) throws {
        let bench = try Workbench()
        let text = try FileBackend(bench.options("x", byteCount: byteCount)).warnings.map(\.description).joined(
            separator: "\n")
        #expect(text.isEmpty == parts.isEmpty, "\(text)")
        for part in parts { #expect(text.contains(part), "\(text)") }
    }

    @Test("a backend knows what was asked for")
    func options() throws {
        let bench = try Workbench()
        var options = bench.options("x", byteCount: 5000)
        (options.memory.merges, options.memory.dumps, options.memory.reserves) = (false, false, false)
        let backend = try #require(try makeMemoryBackend(options))
        #expect(backend.memoryOptions == options.memory && backend.path == bench.file("x"))
        #expect(backend.byteCount == 8192 && backend.requiredFileByteCount == 8192)
    }

    @Test("a source of random numbers is no memory backend")
    func otherObjects() throws { #expect(try makeMemoryBackend(RNGBuiltinOptions(id: "r")) == nil) }

    @Test(
        "texts for reasons that root never meets",
        arguments: [
            (
                MemoryBackendError.cannotOpenForWriting(path: "/x", reason: .permissionDenied),
                "Permission denied; it can be read: use readonly=on"
            ),
            (
                .cannotOpen(path: "/x", reason: .permissionDenied),
                "can't open backing store /x for guest RAM: Permission denied"
            ),
            (
                .cannotResize(path: "/x", byteCount: 4 << 20, reason: .diskQuotaExceeded),
                "extended to 4M: Disk quota exceeded; the disk quota is used up"
            ),
            (.cannotLock(path: "/x", reason: .notSupported), "locking=off"),
            (.cannotMakeDurable(path: "/x", reason: .ioError), "cannot be synchronized: Input/output error"),
            (.inUse(path: "/x", holder: nil), "the kernel does not tell which"),
        ])
    func texts(_ error: MemoryBackendError, _ part: String) {
        #expect(error.description.contains(part), "\(error.description)")
    }
}
