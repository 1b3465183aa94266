import Board
import GuestMemory
import Host
import KVM
import QEMUDialect

/// The kernel, its initial RAM disk and its command line.
struct BootFiles: Sendable {
    private let kernel: HostBootFile
    private let initrd: HostBootFile?
    private let commandLine: String
    private let kernelPath: String
    private let initrdPath: String

    /// Opens the files.
    ///
    /// - Throws: `noKernel`, or `bootFile` with what the kernel says.
    init(_ configuration: MachineConfiguration) throws(MachineError) {
        guard !configuration.kernelPath.isEmpty else { throw .noKernel }
        kernel = try Self.open(configuration.kernelPath, "-kernel")
        if let path = configuration.initrdPath { initrd = try Self.open(path, "-initrd") } else { initrd = nil }
        commandLine = configuration.kernelCommandLine
        kernelPath = configuration.kernelPath
        initrdPath = configuration.initrdPath ?? ""
    }

    func request(rsdp: GuestAddress) -> BootRequest {
        BootRequest(kernel: kernel, initrd: initrd, commandLine: commandLine, rsdp: rsdp)
    }

    /// Says which file a failed start is about.
    func failure(_ error: BootError) -> MachineError {
        switch error {
        case .initrdEmpty, .initrdTooLarge, .initrdFile: .boot(option: "-initrd \(initrdPath)", error)
        case .commandLineTooLong, .commandLineHasNUL: .boot(option: "-append", error)
        default: .boot(option: "-kernel \(kernelPath)", error)
        }
    }

    private static func open(_ path: String, _ option: String) throws(MachineError) -> HostBootFile {
        do throws(SystemCallError) { return try HostBootFile(path: path) } catch {
            throw .bootFile(option: option, path: path, error)
        }
    }
}

extension ProcessorState {
    /// The loader's values in the form that KVM's room takes.
    init(_ state: InitialProcessorState) {
        self.init(code: Segment(state.code), data: Segment(state.data), taskState: Segment(state.task))
        (rip, rsp, rbx, rsi) = (state.rip, state.rsp, state.rbx, state.rsi)
        (cr0, cr3, cr4, efer) = (state.cr0, state.cr3, state.cr4, state.efer)
        globalDescriptorTable = (state.descriptorTableBase, state.descriptorTableLimit)
    }
}

extension Segment {
    fileprivate init(_ segment: InitialProcessorState.Segment) {
        self.init(
            selector: segment.selector, base: segment.base, limit: segment.limit, type: segment.type,
            isLong: segment.is64Bit, is32Bit: segment.is32Bit, isCodeOrData: segment.isCodeOrData)
    }
}
