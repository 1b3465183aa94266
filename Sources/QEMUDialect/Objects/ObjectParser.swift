/// Parses the text after `-object` or `object_add`.
/// - Throws: the first thing that is wrong, in the order in which QEMU looks.
public func parseObject(_ text: String) throws(DialectError) -> ParsedOption<MemoryBackendOptions> {
    let options = try OptionString(text, impliedName: "qom-type")
    if options.wantsHelp { return .help(try objectHelp(type: options.last("qom-type"))) }
    var reader = PropertyReader(options)
    let value = try MemoryBackendOptions(from: &reader)
    return .value(value, warnings: reader.warnings)
}

/// Understands properties that were given one by one.
/// - Throws: the first thing that is wrong, in the order in which QEMU looks.
public func parseObject(_ properties: [Property]) throws(DialectError) -> MemoryBackendOptions {
    var reader = PropertyReader(OptionString(properties: properties))
    return try MemoryBackendOptions(from: &reader)
}

extension MemoryBackendOptions {
    /// Takes the properties in the order of QEMU's schema, so that of several mistakes the same one is reported.
    init(from reader: inout PropertyReader) throws(DialectError) {
        let id = try reader.identifier()
        kind = try Self.takeKind(from: &reader)
        guard let id else {
            throw .missingParameter("id", advice: "Add id=NAME, for example id=mem1; a device's memdev refers to it.")
        }
        self.id = id
        isDumped = try reader.boolean("dump") ?? true
        try Self.refuse("host-nodes", from: &reader, reason: "memory is not bound to NUMA nodes; use numactl --membind")
        mayMerge = try reader.boolean("merge") ?? true
        try Self.takePolicy(from: &reader)
        preallocates = try reader.boolean("prealloc") ?? false
        preallocationThreads = try Self.takePreallocationThreads(from: &reader, kind)
        try Self.refuse("prealloc-context", from: &reader, reason: "there are no thread-context objects")
        isShared = try reader.boolean("share") ?? (kind == .memfd)
        reservesSwap = try reader.boolean("reserve") ?? true
        size = try Self.takeSize(from: &reader, kind)
        _ = try reader.boolean("x-use-canonical-path-for-ramblock-id")
        isSealed = try Self.takeSeal(from: &reader, kind)
        file = kind == .file ? try FileOptions(from: &reader) : nil
        try reader.finish(accepted: objectProperties(of: kind).map(\.name))
        try file?.checkReadOnlyMemory(isShared: isShared)
        try file?.checkDurability(isShared: isShared)
    }

    private static func takeKind(from reader: inout PropertyReader) throws(DialectError) -> Kind {
        guard let kind = try reader.choice("qom-type", Kind.self) else {
            throw .missingParameter("qom-type", advice: "Begin with the type: memory-backend-file,id=...")
        }
        return kind
    }

    private static func takeSize(from reader: inout PropertyReader, _ kind: Kind) throws(DialectError) -> UInt64 {
        guard let size = try reader.size("size") else {
            throw .missingParameter("size", advice: "Add size=SIZE, for example size=4G.")
        }
        guard size > 0 else { throw .propertyRefusesValue(property: "size", type: kind.rawValue, value: "0") }
        return size
    }

    private static func takePreallocationThreads(
        from reader: inout PropertyReader, _ kind: Kind
    ) throws(DialectError) -> UInt64 {
        let count = try reader.unsigned("prealloc-threads") ?? 1
        guard count > 0 else {
            throw .propertyRefusesValue(property: "prealloc-threads", type: kind.rawValue, value: "0")
        }
        return count
    }

    private enum NUMAPolicy: String, CaseIterable {
        case `default`, preferred, bind, interleave
    }

    private static func takePolicy(from reader: inout PropertyReader) throws(DialectError) {
        guard let policy = try reader.choice("policy", NUMAPolicy.self), policy != .default else { return }
        throw .unsupportedValue(
            parameter: "policy", value: policy.rawValue, reason: "memory is not bound to NUMA nodes; use numactl")
    }

    private static func takeSeal(from reader: inout PropertyReader, _ kind: Kind) throws(DialectError) -> Bool {
        guard kind == .memfd else { return false }
        if try reader.boolean("hugetlb") == true {
            throw .unsupportedValue(parameter: "hugetlb", value: "on", reason: "memory from hugetlbfs; leave it out")
        }
        try refuse("hugetlbsize", from: &reader, reason: "memory from hugetlbfs; leave it out")
        return try reader.boolean("seal") ?? true
    }

    fileprivate static func refuse(
        _ name: String, from reader: inout PropertyReader, reason: String
    ) throws(DialectError) {
        guard let value = reader.text(name) else { return }
        throw .unsupportedValue(parameter: name, value: value, reason: reason)
    }
}

extension MemoryBackendOptions.FileOptions {
    fileprivate init(from reader: inout PropertyReader) throws(DialectError) {
        alignment = try reader.size("align") ?? 0
        offset = try reader.size("offset") ?? 0
        discardsData = try reader.boolean("discard-data") ?? false
        guard let path = reader.text("mem-path") else {
            throw .missingParameter("mem-path", advice: "Add mem-path=FILE, the file on the host that holds the data.")
        }
        guard !path.isEmpty else {
            throw .propertyRefusesValue(property: "mem-path", type: "memory-backend-file", value: "")
        }
        self.path = path
        if try reader.boolean("pmem") == true {
            throw .unsupportedValue(
                parameter: "pmem", value: "on",
                reason:
                    "a real NVDIMM as backing store; leave it out, the guest's flushes make an ordinary file durable")
        }
        opensReadOnly = try reader.boolean("readonly") ?? false
        readOnlyMemory = try reader.choice("rom", MemoryBackendOptions.AutomaticSwitch.self) ?? .auto
        locking = try reader.choice("locking", MemoryBackendOptions.AutomaticSwitch.self) ?? .auto
        durability = try reader.choice("durability", MemoryBackendOptions.Durability.self) ?? .fsync
    }

    /// A power cut takes what reached the file by flushes alone: there has to be a file that keeps it.
    fileprivate func checkDurability(isShared: Bool) throws(DialectError) {
        guard durability == .powerCutTest else { return }
        let obstacle: String? =
            if opensReadOnly {
                "with readonly=on the guest stores nothing that a power cut could take; leave readonly out"
            } else if !isShared {
                "with share=off no flush reaches the file; say share=on"
            } else if discardsData {
                "with discard-data=on nothing is left to be looked at; leave it out"
            } else { nil }
        guard let obstacle else { return }
        throw .unsupportedValue(parameter: "durability", value: durability.rawValue, reason: obstacle)
    }

    /// The combinations of `share`, `readonly` and `rom` that mean nothing.
    fileprivate func checkReadOnlyMemory(isShared: Bool) throws(DialectError) {
        switch readOnlyMemory {
        case .auto: return
        case .on: guard opensReadOnly else { throw .readOnlyMemoryOverWritableFile }
        case .off: guard !(opensReadOnly && isShared) else { throw .writableMemoryOverSharedReadOnlyFile }
        }
    }
}
