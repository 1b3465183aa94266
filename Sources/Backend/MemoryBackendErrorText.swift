import Host
import SystemPackage

// The first words are QEMU's wherever QEMU has the same error: scripts look for them, people search for them.

extension MemoryBackendError: CustomStringConvertible {
    public var description: String { optionText ?? fileText ?? memoryText ?? "" }

    private var optionText: String? {
        switch self {
        case .sizeIsZero(let type):
            "property 'size' of \(type) doesn't take value '0'"
        case .sizeTooLarge(let byteCount):
            "'size' option \(hexadecimal(byteCount)) is larger than any file or memory on this host can be"
        case .romOverWritableFile:
            "property 'rom' = 'on' is not supported with 'readonly' = 'off'; add readonly=on"
        case .writableMemoryOverSharedReadOnlyFile:
            "property 'rom' = 'off' is incompatible with 'readonly' = 'on' and 'share' = 'on'; for memory that can be "
                + "written and leaves the file alone, say share=off"
        case .alignmentNotPageMultiple(let alignment, let page):
            "alignment \(hexadecimal(alignment)) must be multiples of page size \(hexadecimal(page))"
        case .alignmentNotPowerOfTwo(let alignment):
            "alignment \(hexadecimal(alignment)) must be a power of two"
        case .offsetNotPageMultiple(let offset, let page):
            "offset \(hexadecimal(offset)) must be multiples of page size \(hexadecimal(page))"
        case .hugePageSizeNotPowerOfTwo(let byteCount):
            "Hugepage size must be a power of 2, and no smaller than the page size; hugetlbsize is "
                + hexadecimal(byteCount)
        case .sizeNotHugePageMultiple(let byteCount, let page):
            "memory size \(hexadecimal(byteCount)) must be a multiple of huge page size \(hexadecimal(page))"
        case .noPowerCutTest(let obstacle):
            "durability=power-cut-test: not supported: " + Self.text(obstacle)
        default: nil
        }
    }

    private var fileText: String? {
        switch self {
        case .cannotOpen(let path, let reason):
            "can't open backing store \(path) for guest RAM: \(reason)" + Self.advice(onOpening: reason)
        case .cannotOpenForWriting(let path, let reason):
            "can't open backing store \(path) for guest RAM: \(reason); it can be read: use readonly=on for memory that "
                + "the guest cannot change, or readonly=on,rom=off,share=off for changes that are thrown away"
        case .notRegularFile(let path, let kind):
            "can't open backing store \(path) for guest RAM: it is \(Self.text(kind)); mem-path takes a plain file or a "
                + "directory" + (Self.isDevice(kind) ? ". Real NVDIMM and other devices are not supported" : "")
        case .danglingLink(let path):
            "can't open backing store \(path) for guest RAM: it is a symbolic link to a file that does not exist; create "
                + "that file, or remove the link"
        case .missingReadOnly(let path):
            "can't open backing store \(path) for guest RAM: No such file or directory; readonly=on creates none"
        case .directoryReadOnly(let path):
            "can't open backing store \(path) for guest RAM: Is a directory; a temporary file in it cannot be readonly=on"
        case .tooSmall(let path, let actual, let size, let offset):
            Self.tooSmallText(path, actual, size, offset)
        case .inUse(let path, let holder):
            "backing store \(path) is in use by \(Self.text(holder: holder)); two users would destroy each other's data "
                + "(several may share it with readonly=on or share=off)"
        case .cannotLock(let path, let reason):
            "backing store \(path) cannot be locked: \(reason); say locking=off if no other machine uses it"
        case .cannotResize(let path, let byteCount, let reason):
            "backing store \(path) cannot be extended to \(sizeText(byteCount)): \(reason)"
                + Self.advice(onSpace: reason)
        case .cannotMakeDurable(let path, let reason):
            "backing store \(path) cannot be synchronized: \(reason)" + Self.advice(onSpace: reason)
        case .cannotMapFile(let path, let reason):
            "unable to map backing store \(path) for guest RAM: \(reason)"
        default: nil
        }
    }

    private var memoryText: String? {
        switch self {
        case .cannotPreallocate(let subject, let byteCount, let reason):
            "preallocating \(sizeText(byteCount)) of \(subject) failed: \(reason)" + Self.advice(onSpace: reason)
        case .cannotSetUpMemory(let id, let byteCount, let reason):
            "cannot set up guest memory '\(id)' of \(sizeText(byteCount)): \(reason)"
                + (reason == .noMemory ? "; a smaller size or reserve=off may help" : "")
        case .tooFewHugePages(let id, let byteCount):
            "cannot set up guest memory '\(id)' of \(sizeText(byteCount)): too few free huge pages; see "
                + "/proc/sys/vm/nr_hugepages, or leave hugetlb=on out"
        default: nil
        }
    }
}

extension MemoryBackendError {
    private static func advice(onOpening reason: Errno) -> String {
        switch reason {
        case .noSuchFileOrDirectory: "; create its directory first, the file itself is created as needed"
        default: advice(onSpace: reason)
        }
    }

    private static func advice(onSpace reason: Errno) -> String {
        switch reason {
        case .noSpace: "; free space on its file system, or use another"
        case .diskQuotaExceeded: "; the disk quota is used up"
        case .fileTooLarge: "; its file system (or the limit that ulimit -f shows) takes no file of that size"
        default: ""
        }
    }

    private static func tooSmallText(_ path: String, _ actual: UInt64, _ size: UInt64, _ offset: UInt64) -> String {
        if offset == 0 {
            return "backing store size \(hexadecimal(actual)) does not match 'size' option \(hexadecimal(size)); "
                + "\(path) is left as it is: give a smaller size, or make the file larger with truncate -s "
                + sizeText(size)
        }
        return "backing store size \(hexadecimal(actual)) is too small for 'size' option \(hexadecimal(size)) plus "
            + "'offset' option \(hexadecimal(offset)); \(path) is left as it is"
    }

    private static func text(_ obstacle: PowerCutObstacle) -> String {
        switch obstacle {
        case .notShared: "with share=off no flush reaches the file; say share=on"
        case .readOnly: "with readonly=on the guest stores nothing that a power cut could take; leave readonly out"
        case .discardsData: "with discard-data=on nothing is left to be looked at; leave it out"
        case .unnamedFile(let directory):
            "\(directory) is a directory, and a temporary file in it would be gone afterwards; give mem-path a file"
        case .hugePages(let path): "\(path) is on hugetlbfs, where a file cannot be written page by page; use another"
        }
    }

    private static func isDevice(_ kind: FileStatus.Kind) -> Bool { kind == .blockDevice || kind == .characterDevice }

    private static func text(_ kind: FileStatus.Kind) -> String {
        switch kind {
        case .blockDevice: "a block device"
        case .characterDevice: "a character device"
        case .fifo: "a FIFO"
        case .socket: "a socket"
        case .directory: "a directory"
        case .symbolicLink: "a symbolic link"
        case .regular, .other: "of a kind that cannot be mapped"
        }
    }

    private static func text(holder: CInt?) -> String {
        guard let holder else { return "another process (the kernel does not tell which)" }
        return holder == Process.identifier ? "another memory backend of this process" : "process \(holder)"
    }
}
