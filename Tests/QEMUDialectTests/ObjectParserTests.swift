import Options
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

/// What an `-object` asks for, which has to be of that type.
func parsedObject<Value: ObjectOptions>(_ text: String, as type: Value.Type = Value.self) throws -> Value {
    guard case .value(let object, _) = try parseObject(text) else { throw DialectError.invalidOption }
    return try #require(object as? Value)
}

private func parsedFile(_ text: String) throws -> FileBackendOptions { try parsedObject(text) }

@Test(arguments: [
    "memory-backend-file,id=mem1,share,mem-path=./virtio_pmem.img,size=4G",
    "memory-backend-file,id=mem1,share=on,mem-path=./virtio_pmem.img,size=4G",
    "memory-backend-file,id=mem1,share=yes,mem-path=./virtio_pmem.img,size=4096M",
    "share=on,id=mem1,size=4G,mem-path=./virtio_pmem.img,qom-type=memory-backend-file",
])
func documentedObject(text: String) throws {
    let backend = try parsedFile(text)
    #expect(backend.id == "mem1")
    #expect(backend.isShared)
    #expect(backend.byteCount == 4 << 30)
    #expect(backend.path == "./virtio_pmem.img")
}

@Test func fileDefaults() throws {
    #expect(try parsedFile(file) == FileBackendOptions(id: "m", byteCount: 4 << 20, path: "a"))
}

@Test func everyFilePropertyArrives() throws {
    let backend = try parsedFile(
        "memory-backend-file,id=m,mem-path=a,,b,size=1.5G,readonly=on,rom=off,align=2M,offset=0x1000,prealloc=on,"
            + "prealloc-threads=4,discard-data=on,locking=off,reserve=off,merge=off,dump=off,policy=default,pmem=off,"
            + "x-use-canonical-path-for-ramblock-id=off")
    var expected = FileBackendOptions(id: "m", byteCount: 3 << 29, path: "a,b")
    (expected.opensReadOnly, expected.rom, expected.discardsData, expected.locking) = (true, .off, true, .off)
    (expected.alignment, expected.offset) = (2 << 20, 4096)
    (expected.memory.preallocates, expected.memory.reserves) = (true, false)
    (expected.memory.merges, expected.memory.dumps) = (false, false)
    #expect(backend == expected && !backend.isROM)
}

@Test func durabilityArrives() throws {
    #expect(try parsedFile("\(file),durability=fsync").durability == .synchronized)
    #expect(try parsedFile("\(file),share=on,durability=power-cut-test").durability == .powerCutTest)
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
    #expect(try parsedFile("\(file),readonly=on").isROM)
    #expect(try parsedFile("\(file),readonly=on,rom=on").isROM)
}

@Test func memfdIsSharedAndSealedByDefault() throws {
    let backend: MemfdBackendOptions = try parsedObject("memory-backend-memfd,id=m,size=4M")
    #expect(backend == MemfdBackendOptions(id: "m", byteCount: 4 << 20) && backend.isShared && backend.isSealed)
    let unsealed: MemfdBackendOptions = try parsedObject("memory-backend-memfd,id=m,size=4M,seal=off,hugetlb=off")
    #expect(!unsealed.isSealed)
}

@Test func randomSources() throws {
    #expect(try parsedObject("rng-random,id=r", as: RNGRandomOptions.self).path == "/dev/urandom")
    #expect(try parsedObject("rng-random,id=r,filename=/dev/hwrng", as: RNGRandomOptions.self).path == "/dev/hwrng")
    #expect(try parsedObject("qom-type=rng-builtin,id=r") == RNGBuiltinOptions(id: "r"))
}

@Test func ofARepeatedKeyTheLastCountsAndOfIdTheFirst() throws {
    let backend = try parsedFile("\(file),id=n,size=8M")
    #expect(backend.id == "m" && backend.byteCount == 8 << 20)
}

@Test(arguments: ["help", "?", "memory-backend-file,help", "memory-backend-memfd,?", "memory-backend-ram,id=m,help"])
func objectHelpAnswers(text: String) throws {
    guard case .help(let answer) = try parseObject(text) else {
        Issue.record("no help")
        return
    }
    #expect(answer.contains(text.utf8.count > 4 ? "size=<size>" : "memory-backend-memfd"))
}
