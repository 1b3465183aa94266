public import Host
public import Options

/// Host memory that a guest device presents: QEMU's memory-backend objects.
public protocol MemoryBackend: AnyObject, Sendable {
    /// The object's id.
    var id: String { get }
    /// The size in bytes.
    var byteCount: UInt64 { get }
    /// The memory. What a guest stores in it becomes durable by `synchronize`, if at all.
    var mapping: HostMapping { get }
    /// Whether stores reach a file (`share=on` over a file that was opened for writing). Where they do not, there is
    /// nothing that `synchronize` could make durable.
    var reachesFile: Bool { get }
    /// What the mapping's host address is a multiple of, in bytes, a power of two. A guest address that is a multiple
    /// as well lets KVM map huge pages.
    var alignment: UInt64 { get }
    /// What every memory backend can be asked for, as it was given: `byteCount` may be less than the backend's.
    var memoryOptions: MemoryOptions { get }
    /// The path that was given; nil without a file.
    var path: String? { get }
    /// What to know before attaching this memory to a persistent memory device.
    var warnings: [MemoryBackendWarning] { get }

    /// What another process maps to have this memory, stores included; nil where there is no such file, or where what
    /// it stored would reach the file although the options say otherwise.
    ///
    /// - Throws: the kernel's reason where the file cannot be opened once more.
    func shareableFile() throws(SystemCallError) -> ShareableFile?

    /// How the memory keeps stores from the file until they are flushed, if it does. Then the owner of the memory slot
    /// lets it follow the slot's log, and the end of a device or machine does not synchronize.
    var powerCutTest: PowerCutTest? { get }

    /// Makes every store that came before the call durable, and blocks until it is. Does nothing where stores reach no
    /// file.
    ///
    /// - Throws: the kernel's reason; the stores may then be lost, and a later success says nothing about them.
    func synchronize() throws(SystemCallError)

    /// The size in bytes that the file has to have: offset plus size; nil without a path.
    var requiredFileByteCount: UInt64? { get }

    /// The file's size now, in bytes; nil without a file. When it is less than required, the file was made shorter,
    /// and the guest's accesses beyond its end fail.
    func currentFileByteCount() -> UInt64?

    /// Lets a watch notice changes of the file's size; does nothing without a file.
    func watch(by watch: FileWatch) throws(SystemCallError)

    /// How much of the memory lies in the host's page cache, and how much of that no disk has yet; nil if the kernel
    /// does not tell, or there is no file.
    func pageCacheUsage() -> PageCacheUsage?

    /// Throws the content away if the object was made with `discard-data=on`, and does nothing otherwise. For the end
    /// of the object or of the machine, when no guest runs on the memory any more.
    func discardIfAsked()
}

extension MemoryBackend {
    public var alignment: UInt64 { naturalAlignment(ofByteCount: byteCount) }
    public var memoryOptions: MemoryOptions { MemoryOptions(id: id, byteCount: byteCount) }
    public var path: String? { nil }
    public var warnings: [MemoryBackendWarning] { [] }
    public func shareableFile() throws(SystemCallError) -> ShareableFile? { nil }
    public var powerCutTest: PowerCutTest? { nil }
    public var requiredFileByteCount: UInt64? { nil }
    public func currentFileByteCount() -> UInt64? { nil }
    public func watch(by watch: FileWatch) throws(SystemCallError) {}
    public func pageCacheUsage() -> PageCacheUsage? { nil }
    public func discardIfAsked() {}
}

/// A file that another process may map.
public struct ShareableFile: Sendable {
    /// Of an open file description that other processes may have as well.
    public let descriptor: SharedDescriptor
    /// Where the memory begins in the file, in bytes.
    public let offset: UInt64
}

/// 1 GiB where a page of that size fits in, otherwise 2 MiB: the sizes of x86's huge pages.
func naturalAlignment(ofByteCount byteCount: UInt64) -> UInt64 {
    byteCount >= 1 << 30 ? 1 << 30 : 2 << 20
}

/// Makes the memory backend that the options describe.
///
/// - Returns: nil for the options of an object that is no memory backend.
/// - Throws: what the host refused; nothing on disk has changed then.
public func makeMemoryBackend(_ options: any ObjectOptions) throws(MemoryBackendError) -> (any MemoryBackend)? {
    switch options {
    case let options as FileBackendOptions: try FileBackend(options)
    case let options as RAMBackendOptions: try RAMBackend(options)
    case let options as MemfdBackendOptions: try MemfdBackend(options)
    default: nil
    }
}
