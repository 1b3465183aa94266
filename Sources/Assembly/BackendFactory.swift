public import Backend
public import QEMUDialect

/// Makes the memory-backend objects that a command line or a monitor command describes.
public enum BackendFactory {
    /// - Throws: what the host refused; nothing on disk has changed then.
    public static func make(
        _ options: QEMUDialect.MemoryBackendOptions
    ) throws(MemoryBackendError) -> any MemoryBackend {
        try makeMemoryBackend(translate(options))
    }

    private static func translate(_ options: QEMUDialect.MemoryBackendOptions) -> BackendOptions {
        switch (options.kind, options.file) {
        case (.file, let file?): .file(fileOptions(options, file))
        case (.memfd, _): .memfd(memfdOptions(options))
        // The parser gives every memory-backend-file its file.
        case (.ram, _), (.file, nil): .ram(ramOptions(options))
        }
    }

    private static func fileOptions(
        _ options: QEMUDialect.MemoryBackendOptions, _ file: QEMUDialect.MemoryBackendOptions.FileOptions
    ) -> FileBackendOptions {
        var result = FileBackendOptions(id: options.id, byteCount: options.size, path: file.path)
        result.isShared = options.isShared
        result.opensReadOnly = file.opensReadOnly
        result.rom = AutomaticSwitch(rawValue: file.readOnlyMemory.rawValue) ?? .automatic
        result.locking = AutomaticSwitch(rawValue: file.locking.rawValue) ?? .automatic
        result.alignment = file.alignment
        result.offset = file.offset
        result.discardsData = file.discardsData
        result.durability = FileDurability(rawValue: file.durability.rawValue) ?? .synchronized
        result.memory = memoryOptions(options)
        return result
    }

    private static func ramOptions(_ options: QEMUDialect.MemoryBackendOptions) -> RAMBackendOptions {
        var result = RAMBackendOptions(id: options.id, byteCount: options.size)
        result.isShared = options.isShared
        result.memory = memoryOptions(options)
        return result
    }

    private static func memfdOptions(_ options: QEMUDialect.MemoryBackendOptions) -> MemfdBackendOptions {
        var result = MemfdBackendOptions(id: options.id, byteCount: options.size)
        result.isShared = options.isShared
        result.isSealed = options.isSealed
        result.memory = memoryOptions(options)
        return result
    }

    private static func memoryOptions(_ options: QEMUDialect.MemoryBackendOptions) -> MemoryOptions {
        var result = MemoryOptions()
        result.preallocates = options.preallocates
        result.reserves = options.reservesSwap
        result.merges = options.mayMerge
        result.dumps = options.isDumped
        return result
    }
}
