import Testing

@testable import QEMUDialect

/// A text that is refused, and the message.
struct RefusalRow: Sendable, CustomTestStringConvertible {
    let text: String
    let message: String
    var testDescription: String { text }

    init(_ text: String, _ message: String) {
        self.text = text
        self.message = message
    }
}

/// What `body` throws.
func refusal(_ body: () throws -> Void) -> DialectError? {
    do {
        try body()
        return nil
    } catch {
        return error as? DialectError
    }
}

private let file = "memory-backend-file,id=m,mem-path=a,size=4M"

private let objectRefusals = [
    RefusalRow("", "Parameter 'qom-type' is missing"),
    RefusalRow("id=m", "Parameter 'qom-type' is missing"),
    RefusalRow(",id=m", "Parameter 'qom-type' does not accept value ''"),
    RefusalRow("foo,id=m", "Parameter 'qom-type' does not accept value 'foo'"),
    RefusalRow("iothread,id=m", "Parameter 'qom-type' does not accept value 'iothread'"),
    RefusalRow("memory-backend-file", "Parameter 'id' is missing"),
    RefusalRow("memory-backend-file,mem-path=a,size=4M", "Parameter 'id' is missing"),
    RefusalRow("memory-backend-file,id=1nv,mem-path=a,size=4M", "Parameter 'id' expects an identifier"),
    RefusalRow("memory-backend-file,id=,mem-path=a,size=4M", "Parameter 'id' expects an identifier"),
    RefusalRow("memory-backend-file,id=m,,size=4M,mem-path=a", "Parameter 'id' expects an identifier"),
    RefusalRow("foo,id=1", "Parameter 'id' expects an identifier"),
    RefusalRow("memory-backend-file,id=m,mem-path=a", "Parameter 'size' is missing"),
    RefusalRow(
        "memory-backend-file,id=m,mem-path=a,size=0", "property 'size' of memory-backend-file doesn't take value '0'"),
    RefusalRow("memory-backend-file,id=m,mem-path=a,size=64X", "Parameter 'size' expects a size value"),
    RefusalRow("memory-backend-file,id=m,mem-path=a,size=-1", "Parameter 'size' expects a size value"),
    RefusalRow("memory-backend-file,id=m,mem-path=a,size=", "Parameter 'size' expects a size value"),
    RefusalRow("memory-backend-file,id=m,mem-path=a,size=16E", "Parameter 'size' expects a size value"),
    RefusalRow("memory-backend-file,id=m,size=4M", "Parameter 'mem-path' is missing"),
    RefusalRow(
        "memory-backend-file,id=m,size=4M,mem-path=", "property 'mem-path' of memory-backend-file doesn't take value ''"
    ),
    RefusalRow("\(file),foo=1", "Invalid parameter 'foo'"),
    RefusalRow("\(file),=3", "Invalid parameter ''"),
    RefusalRow("\(file),share=1", "Parameter 'share' expects 'on' or 'off'"),
    RefusalRow("\(file),share=", "Parameter 'share' expects 'on' or 'off'"),
    RefusalRow("memory-backend-ram,size=x,id=m,share=x", "Parameter 'share' expects 'on' or 'off'"),
    RefusalRow("\(file),prealloc-threads=x", "Parameter 'prealloc-threads' expects a uint64 value"),
    RefusalRow(
        "\(file),prealloc-threads=0", "property 'prealloc-threads' of memory-backend-file doesn't take value '0'"),
    RefusalRow("\(file),align=x", "Parameter 'align' expects a size value"),
    RefusalRow("\(file),offset=x", "Parameter 'offset' expects a size value"),
    RefusalRow("\(file),rom=maybe", "Parameter 'rom' does not accept value 'maybe'"),
    RefusalRow("\(file),rom=on", "property 'rom' = 'on' is not supported with 'readonly' = 'off'"),
    RefusalRow(
        "\(file),share=on,readonly=on,rom=off",
        "property 'rom' = 'off' is incompatible with 'readonly' = 'on' and 'share' = 'on'"),
    RefusalRow("\(file),policy=foo", "Parameter 'policy' does not accept value 'foo'"),
    RefusalRow("\(file),policy=bind", "policy=bind: not supported: memory is not bound to NUMA nodes; use numactl"),
    RefusalRow(
        "\(file),host-nodes=0", "host-nodes=0: not supported: memory is not bound to NUMA nodes; use numactl --membind"),
    RefusalRow("\(file),prealloc-context=t", "prealloc-context=t: not supported: there are no thread-context objects"),
    RefusalRow(
        "\(file),pmem=on",
        "pmem=on: not supported: a real NVDIMM as backing store; leave it out, the guest's flushes make an ordinary file durable"
    ),
    RefusalRow("memory-backend-ram,id=m,size=4M,mem-path=a", "Invalid parameter 'mem-path'"),
    RefusalRow("memory-backend-ram,id=m,size=4M,seal=on", "Invalid parameter 'seal'"),
    RefusalRow("memory-backend-file,id=m,size=4M,mem-path=a,hugetlb=off", "Invalid parameter 'hugetlb'"),
    RefusalRow(
        "memory-backend-memfd,id=m,size=4M,hugetlb=on", "hugetlb=on: not supported: memory from hugetlbfs; leave it out"
    ),
    RefusalRow(
        "memory-backend-memfd,id=m,size=4M,hugetlbsize=2M",
        "hugetlbsize=2M: not supported: memory from hugetlbfs; leave it out"),
    RefusalRow("foo,help", "Parameter 'qom-type' does not accept value 'foo'"),
]

@Test(arguments: objectRefusals)
func objectIsRefused(row: RefusalRow) {
    let error = refusal { _ = try parseObject(row.text) }
    #expect(error?.message == row.message)
}

@Test func identifierErrorSaysWhatAnIdentifierIs() {
    let error = refusal { _ = try parseObject("memory-backend-ram,id=1nv,size=4M") }
    #expect(error?.advice == "Identifiers consist of letters, digits, '-', '.', '_', starting with a letter.")
}

private func parsedBackend(_ text: String) throws -> MemoryBackendOptions {
    guard case .value(let backend, _) = try parseObject(text) else { throw DialectError.invalidOption }
    return backend
}

@Test(arguments: [
    "memory-backend-file,id=mem1,share,mem-path=./virtio_pmem.img,size=4G",
    "memory-backend-file,id=mem1,share=on,mem-path=./virtio_pmem.img,size=4G",
    "memory-backend-file,id=mem1,share=yes,mem-path=./virtio_pmem.img,size=4096M",
    "share=on,id=mem1,size=4G,mem-path=./virtio_pmem.img,qom-type=memory-backend-file",
])
func documentedObject(text: String) throws {
    let backend = try parsedBackend(text)
    #expect(backend.kind == .file)
    #expect(backend.id == "mem1")
    #expect(backend.isShared)
    #expect(backend.size == 4 << 30)
    #expect(backend.file?.path == "./virtio_pmem.img")
}

@Test func fileDefaults() throws {
    let backend = try parsedBackend(file)
    #expect(!backend.isShared && backend.reservesSwap && !backend.preallocates)
    #expect(backend.preallocationThreads == 1 && backend.mayMerge && backend.isDumped)
    let options = try #require(backend.file)
    #expect(!options.opensReadOnly && !options.isReadOnlyMemory && !options.discardsData)
    #expect(options.alignment == 0 && options.offset == 0 && options.locking == .auto && options.durability == .fsync)
}

@Test func everyFilePropertyArrives() throws {
    let backend = try parsedBackend(
        "memory-backend-file,id=m,mem-path=a,,b,size=1.5G,readonly=on,rom=off,align=2M,offset=0x1000,prealloc=on,"
            + "prealloc-threads=4,discard-data=on,locking=off,reserve=off,merge=off,dump=off,policy=default,pmem=off,"
            + "x-use-canonical-path-for-ramblock-id=off")
    #expect(backend.size == 3 << 29)
    #expect(backend.preallocates && backend.preallocationThreads == 4)
    #expect(!backend.reservesSwap && !backend.mayMerge && !backend.isDumped)
    let options = try #require(backend.file)
    #expect(options.path == "a,b")
    #expect(options.opensReadOnly && !options.isReadOnlyMemory && options.discardsData)
    #expect(options.locking == .off)
    #expect(options.alignment == 2 << 20 && options.offset == 4096)
}

@Test func durabilityArrives() throws {
    #expect(try parsedBackend("\(file),durability=fsync").file?.durability == .fsync)
    #expect(try parsedBackend("\(file),share=on,durability=power-cut-test").file?.durability == .powerCutTest)
}

/// What a power cut could not be tried out on, and a part of the advice.
@Test(arguments: [
    ("\(file),durability=power-cut-test", "durability=power-cut-test: not supported: with share=off"),
    ("\(file),share=off,durability=power-cut-test", "say share=on"),
    ("\(file),share=on,readonly=on,durability=power-cut-test", "with readonly=on the guest stores nothing"),
    ("\(file),readonly=on,rom=off,durability=power-cut-test", "with readonly=on the guest stores nothing"),
    ("\(file),share=on,discard-data=on,durability=power-cut-test", "with discard-data=on nothing is left"),
    ("\(file),durability=none", "Parameter 'durability' does not accept value 'none'"),
    ("\(file),durability=", "Parameter 'durability' does not accept value ''"),
    ("memory-backend-ram,id=m,size=4M,durability=power-cut-test", "Invalid parameter 'durability'"),
    ("memory-backend-memfd,id=m,size=4M,durability=power-cut-test", "Invalid parameter 'durability'"),
])
func powerCutTestIsRefused(text: String, message: String) {
    let error = refusal { _ = try parseObject(text) }
    #expect(error?.message.contains(message) == true, "\(error?.message ?? "accepted")")
}

@Test func readOnlyFileIsReadOnlyMemoryByDefault() throws {
    #expect(try parsedBackend("\(file),readonly=on").file?.isReadOnlyMemory == true)
    #expect(try parsedBackend("\(file),readonly=on,rom=on").file?.isReadOnlyMemory == true)
}

@Test func memfdIsSharedAndSealedByDefault() throws {
    let backend = try parsedBackend("memory-backend-memfd,id=m,size=4M")
    #expect(backend.kind == .memfd && backend.isShared && backend.isSealed && backend.file == nil)
    #expect(try !parsedBackend("memory-backend-memfd,id=m,size=4M,seal=off,hugetlb=off").isSealed)
}

@Test func ofARepeatedKeyTheLastCountsAndOfIdTheFirst() throws {
    let backend = try parsedBackend("\(file),id=n,size=8M")
    #expect(backend.id == "m" && backend.size == 8 << 20)
}

@Test(arguments: ["help", "?", "memory-backend-file,help", "memory-backend-memfd,?", "memory-backend-ram,id=m,help"])
func objectHelpAnswers(text: String) throws {
    guard case .help(let answer) = try parseObject(text) else {
        Issue.record("no help")
        return
    }
    #expect(answer.contains(text.utf8.count > 4 ? "size=<size>" : "memory-backend-memfd"))
}

@Test(arguments: MemoryBackendOptions.Kind.allCases)
func everyPropertyOfTheHelpIsKnown(kind: MemoryBackendOptions.Kind) {
    for property in objectProperties(of: kind) {
        let error = refusal { _ = try parseObject("\(kind.rawValue),id=m,size=4M,mem-path=a,\(property.name)=\u{1}") }
        #expect(error?.message != "Invalid parameter '\(property.name)'")
    }
}
