import Options

// The memory-backend types. The rows are in the order of QEMU's schema.

let fileBackendType = ObjectType(
    FileBackendOptions(id: "", byteCount: 0, path: ""), example: ",share=on,mem-path=FILE,size=SIZE",
    rows: memoryRows() + [
        .size("align", "Alignment of the host address; 0: as the size wants it") { $1(&$0.alignment) },
        .size("offset", "Where in the file the memory begins") { $1(&$0.offset) },
        .boolean("discard-data", "The content need not outlive the monitor") { $1(&$0.discardsData) },
        .text(
            "mem-path", "File on the host that holds the data (required)",
            missing: "Add mem-path=FILE, the file on the host that holds the data."
        ) { $1(&$0.path) },
        .off(
            "pmem",
            "a real NVDIMM as backing store; leave it out, the guest's flushes make an ordinary file durable"),
        .boolean("readonly", "Open the file for reading only") { $1(&$0.opensReadOnly) },
        .choice("rom", type: "OnOffAuto", "Read-only for the guest; auto follows readonly") { $1(&$0.rom) },
        .choice("locking", type: "OnOffAuto", "Keep a second user away; auto: where the file system can") {
            $1(&$0.locking)
        },
        .choice("durability", "fsync; or power-cut-test: the file has what was flushed, nothing else") {
            $1(&$0.durability)
        },
    ],
    check: { (options) throws(DialectError) in
        try checkReadOnlyMemory(options)
        try checkPowerCutTest(options)
    })

let ramBackendType = ObjectType(
    RAMBackendOptions(id: "", byteCount: 0), example: ",size=SIZE", rows: memoryRows())

private let noHugePages = "memory from hugetlbfs; leave it out"

let memfdBackendType = ObjectType(
    MemfdBackendOptions(id: "", byteCount: 0), example: ",size=SIZE",
    rows: memoryRows() + [
        .off("hugetlb", noHugePages),
        .refused("hugetlbsize", type: "size", form: .size, noHugePages),
        .boolean("seal", "Seal growing and shrinking") { $1(&$0.isSealed) },
    ])

/// What every memory backend can be asked for.
private func memoryRows<Options: MemoryBackendOptions>() -> [PropertyRow<Options>] {
    commonRows.map { $0.inside { (options: inout Options, use) in use(&options.memory) } }
}

private let commonRows: [PropertyRow<MemoryOptions>] = [
    .boolean("dump", "Part of the monitor's own core dump; a hint") { $1(&$0.dumps) },
    .refused("host-nodes", type: "int", "memory is not bound to NUMA nodes; use numactl --membind"),
    .boolean("merge", "Pages may be merged with equal ones; a hint") { $1(&$0.merges) },
    .words(
        "policy", type: "HostMemPolicy", ["default", "preferred", "bind", "interleave"], possible: ["default"],
        "memory is not bound to NUMA nodes; use numactl"),
    .boolean("prealloc", "Allocate every page before the guest starts") { $1(&$0.preallocates) },
    PropertyRow(
        "prealloc-threads", type: "int", "Threads to preallocate with; without effect, one does it", form: .integer,
        value: { _ in .integer(1) },
        take: { (text, _, context) throws(DialectError) in
            guard let count = parseUnsigned(text) else { throw .expectsUnsigned(parameter: "prealloc-threads") }
            guard count > 0 else {
                throw .propertyRefusesValue(property: "prealloc-threads", type: context.owner, value: "0")
            }
        }),
    .refused("prealloc-context", type: "str", "there are no thread-context objects"),
    .boolean("share", "Stores reach the file instead of a private copy") { $1(&$0.isShared) },
    .boolean("reserve", "Reserve swap space for private memory") { $1(&$0.reserves) },
    .size(
        "size", "Size of the memory, such as 500M (required)", least: 1,
        missing: "Add size=SIZE, for example size=4G."
    ) { $1(&$0.byteCount) },
    PropertyRow(
        "x-use-canonical-path-for-ramblock-id", type: "bool", "Without effect: the machine does not migrate",
        form: .boolean,
        take: { (text, _, _) throws(DialectError) in
            guard parseBoolean(text) != nil else {
                throw .expectsBoolean(parameter: "x-use-canonical-path-for-ramblock-id")
            }
        }),
]

/// The combinations of `share`, `readonly` and `rom` that mean nothing.
private func checkReadOnlyMemory(_ options: FileBackendOptions) throws(DialectError) {
    switch options.rom {
    case .automatic: return
    case .on: guard options.opensReadOnly else { throw .readOnlyMemoryOverWritableFile }
    case .off: guard !(options.opensReadOnly && options.isShared) else { throw .writableMemoryOverSharedReadOnlyFile }
    }
}

/// A power cut takes what reached the file by flushes alone: there has to be a file that keeps it.
private func checkPowerCutTest(_ options: FileBackendOptions) throws(DialectError) {
    guard options.isPowerCutTest else { return }
    let obstacle: String? =
        if options.opensReadOnly {
            "with readonly=on the guest stores nothing that a power cut could take; leave readonly out"
        } else if !options.isShared {
            "with share=off no flush reaches the file; say share=on"
        } else if options.discardsData {
            "with discard-data=on nothing is left to be looked at; leave it out"
        } else { nil }
    guard let obstacle else { return }
    throw .unsupportedValue(parameter: "durability", value: options.durability.rawValue, reason: obstacle)
}
