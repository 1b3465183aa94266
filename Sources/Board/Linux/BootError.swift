import GuestMemory

/// Why a kernel cannot be started. The descriptions name sizes and remedies; the caller adds the option and the path.
public enum BootError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What the kernel file turned out to be instead of a kernel that this board starts.
    public enum Unsuitable: Equatable, Sendable {
        case empty
        case unknown
        case compressed(String)
        case compressedEFI
        case arm64
        case elfForMachine(UInt16)
        case elfNotExecutable(type: UInt16)
        case elfNotLittleEndian
        case oldProtocol(major: UInt8, minor: UInt8)
        case not64Bit
        case lowLoading
    }

    /// The kernel file is none, or of a kind that this board does not start.
    case unsuitable(Unsuitable)
    /// The kernel file ends before what its header announces, in bytes.
    case truncated(part: String, needs: UInt64, has: UInt64)
    /// The kernel's header contradicts itself.
    case malformed(String)
    /// An ELF kernel without the note that tells a 32-bit entry point.
    case noEntryNote
    /// The entry point lies in no segment that is loaded.
    case entryOutsideSegments(UInt64)
    /// A part of the kernel does not lie in RAM above 1 MiB.
    case outsideRAM(part: String, start: UInt64, byteCount: UInt64, ramByteCount: UInt64)
    /// The command line is too long, in bytes without its NUL.
    case commandLineTooLong(byteCount: Int, limit: Int)
    /// A NUL would end the command line early.
    case commandLineHasNUL
    case initrdEmpty
    /// The initial RAM disk does not fit; `available` bytes lie between the kernel and the highest address it may use.
    case initrdTooLarge(byteCount: UInt64, available: UInt64, ramByteCount: UInt64)
    /// The ACPI tables do not fit below 1 MiB.
    case tablesTooLarge(byteCount: UInt64, limit: UInt64)
    case kernelFile(BootFileError)
    case initrdFile(BootFileError)
    case memory(GuestMemoryError)
}

extension BootError {
    public var description: String {
        switch self {
        case .unsuitable(let what): what.description
        case .truncated(let part, let needs, let has):
            "the kernel file is cut short: \(part) needs \(needs) bytes, the file has \(has)"
        case .malformed(let what): "the kernel file is damaged: \(what)"
        case .noEntryNote:
            "an ELF kernel without a PVH entry note: build it with CONFIG_PVH=y, or give the bzImage (vmlinuz)"
        case .entryOutsideSegments(let entry): "the kernel's entry point 0x\(hex(entry)) lies in none of its segments"
        case .outsideRAM(let part, let start, let byteCount, let ram):
            "\(part) needs \(byteCount) bytes at 0x\(hex(start)), which is not all RAM above 1 MiB (RAM: \(ram) bytes); "
                + "give more with -m"
        case .commandLineTooLong(let byteCount, let limit):
            "the command line has \(byteCount) bytes, the kernel takes \(limit)"
        case .commandLineHasNUL: "the command line holds a NUL"
        case .initrdEmpty: "the initial RAM disk is empty"
        case .initrdTooLarge(let byteCount, let available, let ram):
            "the initial RAM disk has \(byteCount) bytes; with \(ram) bytes of RAM \(available) are free for it beside "
                + "the kernel; give more with -m"
        case .tablesTooLarge(let byteCount, let limit): "the ACPI tables have \(byteCount) bytes, space is for \(limit)"
        case .kernelFile(let error): "the kernel file: \(error.description)"
        case .initrdFile(let error): "the initial RAM disk: \(error.description)"
        case .memory(let error): "guest memory does not take the kernel: \(error)"
        }
    }
}

extension BootError.Unsuitable: CustomStringConvertible {
    public var description: String {
        switch self {
        case .empty: "the kernel file is empty"
        case .unknown: "not a kernel: neither a bzImage (vmlinuz) nor an ELF file"
        case .compressed(let by): "compressed with \(by): unpack it, or give the bzImage (vmlinuz)"
        case .compressedEFI: "an EFI zboot image: unpack it, or give the bzImage (vmlinuz)"
        case .arm64: "an arm64 kernel: this board is x86-64"
        case .elfForMachine(let machine):
            "an ELF file for machine \(machine): this board is x86-64 (62) and 32-bit x86 (3)"
        case .elfNotExecutable(let type): "an ELF file of type \(type), which is not executable (2)"
        case .elfNotLittleEndian: "an ELF file that is not little-endian: this board is x86-64"
        case .oldProtocol(let major, let minor):
            "a kernel of boot protocol \(major).\(minor): 2.12 (Linux 3.8) is the oldest that can be started"
        case .not64Bit: "a kernel without a 64-bit entry point: give one that is built for x86-64"
        case .lowLoading: "a zImage, which loads below 1 MiB: give a bzImage"
        }
    }
}

extension BootFileError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .unreadable(let reason): "cannot be read: \(reason)"
        case .endOfFile(let offset, let byteCount): "ends before \(byteCount) bytes at \(offset)"
        case .memory(let error): "guest memory does not take it: \(error)"
        }
    }
}
