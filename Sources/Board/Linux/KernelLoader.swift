import GuestMemory

/// What is started, and with what.
public struct BootRequest: Sendable {
    /// A bzImage, or an ELF file with a PVH entry note.
    public var kernel: any BootFile
    public var initrd: (any BootFile)?
    /// Without a NUL.
    public var commandLine: String
    /// Where the ACPI tables' root pointer lies (`ACPITables.write`).
    public var rsdp: GuestAddress

    public init(kernel: any BootFile, initrd: (any BootFile)? = nil, commandLine: String = "", rsdp: GuestAddress) {
        self.kernel = kernel
        self.initrd = initrd
        self.commandLine = commandLine
        self.rsdp = rsdp
    }
}

/// Puts a kernel and what it needs to know into guest memory.
public struct KernelLoader: Sendable {
    private let board: BoardLayout
    private let memory: MemoryMap

    public init(board: BoardLayout, memory: MemoryMap) {
        self.board = board
        self.memory = memory
    }

    /// Loads the kernel and its initial RAM disk, and writes the boot parameters.
    ///
    /// Nothing is written to guest memory before the headers, the sizes and the command line are known to be right.
    ///
    /// - Returns: the state of the first processor.
    public func load(_ request: BootRequest) throws(BootError) -> InitialProcessorState {
        let head = try readHead(request.kernel)
        if BzImage.recognises(head) { return try loadBzImage(request, head) }
        if ELFKernel.recognises(head) { return try loadELF(request, head) }
        throw .unsuitable(UnsuitableKernel.identify(head))
    }

    private func readHead(_ file: any BootFile) throws(BootError) -> [UInt8] {
        do throws(BootFileError) {
            return try file.bytes(at: 0, count: Int(min(file.byteCount, 4096)))
        } catch { throw .kernelFile(error) }
    }
}

// MARK: - bzImage

extension KernelLoader {
    private func loadBzImage(_ request: BootRequest, _ head: [UInt8]) throws(BootError) -> InitialProcessorState {
        let image = try BzImage(head: head, fileByteCount: request.kernel.byteCount)
        let place = try image.place(in: board)
        let commandLine = try commandLineBytes(request, limit: image.commandLineLimit)
        let initrd = try initrdRange(
            request, kernelEnd: place.last.rawValue &+ 1, highest: image.initrdLimit)

        var parameters = BootParameters(header: image.header)
        parameters.setRSDP(request.rsdp)
        parameters.setCommandLine(LowMemory.commandLine)
        parameters.setMemoryMap(board.firmwareMemoryMap)
        if let initrd { parameters.setInitrd(initrd.start, byteCount: initrd.byteCount) }

        try copyKernel(request, offset: image.payloadOffset, byteCount: image.payloadByteCount, to: place.start)
        try copyInitrd(request, to: initrd)
        let state = InitialProcessorState.long64(entry: image.entry)
        try write(parameters.bytes, at: LowMemory.bootParameters)
        try write(PageTables.identity(at: LowMemory.pageTables), at: LowMemory.pageTables)
        try write(DescriptorTable.bytes(code: state.code), at: LowMemory.descriptorTable)
        try write(commandLine, at: LowMemory.commandLine)
        return state
    }
}

// MARK: - ELF with a PVH entry

extension KernelLoader {
    /// Linux' COMMAND_LINE_SIZE less its NUL. An ELF file does not tell its limit, and Linux would cut silently.
    private static let commandLineLimitELF = 2047

    private func loadELF(_ request: BootRequest, _ head: [UInt8]) throws(BootError) -> InitialProcessorState {
        let kernel = try elfKernel(request.kernel, head)
        let end = try kernel.end(in: board)
        let commandLine = try commandLineBytes(request, limit: Self.commandLineLimitELF)
        let initrd = try initrdRange(request, kernelEnd: end, highest: .max)

        for segment in kernel.segments { try load(segment, request) }
        try copyInitrd(request, to: initrd)
        let information = StartInformation(
            address: LowMemory.startInformation, commandLine: LowMemory.commandLine, module: initrd,
            rsdp: request.rsdp, memoryMap: board.firmwareMemoryMap)
        let state = InitialProcessorState.protected32(entry: kernel.entry)
        try write(information.bytes, at: LowMemory.startInformation)
        try write(DescriptorTable.bytes(code: state.code), at: LowMemory.descriptorTable)
        try write(commandLine, at: LowMemory.commandLine)
        return state
    }

    private func elfKernel(_ file: some BootFile, _ head: [UInt8]) throws(BootError) -> ELFKernel {
        try ELFKernel(file, head: head)
    }

    private func load(_ segment: ELFKernel.Segment, _ request: BootRequest) throws(BootError) {
        let address = GuestAddress(segment.address)
        try copyKernel(request, offset: segment.fileOffset, byteCount: segment.fileByteCount, to: address)
        // After a reset RAM holds what the last run left there.
        try clear(from: segment.address &+ segment.fileByteCount, byteCount: segment.byteCount &- segment.fileByteCount)
    }

    private func clear(from start: UInt64, byteCount: UInt64) throws(BootError) {
        let zeros = [UInt8](repeating: 0, count: Int(min(byteCount, 256 << 10)))
        var done: UInt64 = 0
        while done < byteCount {
            let count = min(byteCount - done, UInt64(zeros.count))
            try write([UInt8](zeros.prefix(Int(count))), at: GuestAddress(start &+ done))
            done += count
        }
    }
}

// MARK: - What both share

extension KernelLoader {
    private func commandLineBytes(_ request: BootRequest, limit: Int) throws(BootError) -> [UInt8] {
        let text = Array(request.commandLine.utf8)
        let limit = min(limit, Int(LowMemory.commandLineByteCount) - 1)
        guard text.count <= limit else { throw .commandLineTooLong(byteCount: text.count, limit: limit) }
        guard !text.contains(0) else { throw .commandLineHasNUL }
        return text + [0]
    }

    private func initrdRange(
        _ request: BootRequest, kernelEnd: UInt64, highest: UInt64
    ) throws(BootError) -> GuestRange? {
        guard let initrd = request.initrd else { return nil }
        let start = try InitrdPlacement.place(
            byteCount: initrd.byteCount, kernelEnd: kernelEnd, highest: highest, board: board)
        return GuestRange(start: start, byteCount: initrd.byteCount)
    }

    private func copyKernel(
        _ request: BootRequest, offset: UInt64, byteCount: UInt64, to address: GuestAddress
    ) throws(BootError) {
        do throws(BootFileError) {
            try request.kernel.copy(at: offset, byteCount: byteCount, to: address, in: memory)
        } catch { throw .kernelFile(error) }
    }

    private func copyInitrd(_ request: BootRequest, to range: GuestRange?) throws(BootError) {
        guard let range, let initrd = request.initrd else { return }
        do throws(BootFileError) {
            try initrd.copy(at: 0, byteCount: range.byteCount, to: range.start, in: memory)
        } catch { throw .initrdFile(error) }
    }

    private func write(_ bytes: [UInt8], at address: GuestAddress) throws(BootError) {
        do throws(GuestMemoryError) { try memory.write(bytes, at: address) } catch { throw .memory(error) }
    }
}
