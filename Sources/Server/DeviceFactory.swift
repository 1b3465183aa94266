import GuestMemory
import Host
import PCI
import Synchronization
import VFIOUser
import Virtio
import VirtioPMem

/// Makes the device that one client gets, around storage that outlives it.
struct DeviceFactory: Sendable {
    /// BAR 0 has the interrupt structures, BAR 2 virtio's, which each are 32 bits wide; this one takes 4 and 5.
    private static let storageBAR = 4

    let name: String
    let durability: Durability
    let queueSize: UInt16
    let offersPackedRing: Bool
    let storage: ServedDevice.Storage
    private let bar: BaseAddressRegister
    /// Of the storage.
    private let byteCount: UInt64

    /// - Throws: `device` for a size that no BAR has, `notShareable`.
    init(
        name: String, durability: Durability, queueSize: UInt16, offersPackedRing: Bool
    ) throws(ServeError) {
        let backend = durability.backend
        guard let file = backend.shareableFile else { throw .notShareable(backend.id) }
        self.name = name
        self.durability = durability
        self.queueSize = queueSize
        self.offersPackedRing = offersPackedRing
        byteCount = UInt64(clamping: backend.mapping.byteCount)
        storage = ServedDevice.Storage(
            bar: Self.storageBAR, mapping: backend.mapping, descriptor: file.descriptor, fileOffset: file.offset,
            name: name)
        do throws(ConfigurationError) {
            bar = try BaseAddressRegister(
                index: Self.storageBAR, byteCount: Self.powerOfTwo(least: byteCount), width: .bits64,
                isPrefetchable: true, contents: nil)
        } catch { throw .device(name, error) }
    }

    /// 0 where there is none.
    private static func powerOfTwo(least byteCount: UInt64) -> UInt64 {
        var result: UInt64 = 4096
        while result < byteCount, result != 0 { result = result &* 2 }
        return result
    }

    /// - Throws: what the host has no more of.
    func make(
        onEvent: @escaping @Sendable (PMemEvent) -> Void, activationFailed: @escaping @Sendable (any Error) -> Void
    ) throws -> ServedDevice {
        let location = StorageLocation(bar: Self.storageBAR, byteCount: byteCount)
        let device = try PMemDevice(
            id: name, durability: durability, location: { location.range }, maximumQueueSize: queueSize,
            onEvent: onEvent)
        let memory = GuestMemory()
        let interrupts = ClientInterrupts(count: device.traits.maximumQueueSizes.count + 1)
        let transport = try PCITransport(
            device: device, memory: memory,
            ringFeatures: Feature.defaultRingFeatures | (offersPackedRing ? Feature.packedRing : 0),
            sharedMemory: PCITransport.SharedMemory(bar: bar, byteCount: byteCount),
            sink: interrupts, activationFailed: activationFailed,
            interruptLine: { ClientLine(interrupts: interrupts, vector: $0) })
        location.follow(transport.function)
        return ServedDevice(
            function: transport.function, memory: memory, interrupts: interrupts, storage: storage,
            doorbells: transport.doorbells.map {
                .init(bar: $0.bar, offset: $0.offset, byteCount: UInt64($0.byteCount))
            },
            reset: { transport.reset($0) })
    }
}

/// The interrupt of a vector that a client raises.
private struct ClientLine: InterruptLine {
    let interrupts: ClientInterrupts
    let vector: Int

    func signal() { interrupts.signal(vector) }
}

/// Where the guest has put the storage's BAR: what drivers that know no shared memory regions are told.
private final class StorageLocation: Sendable {
    private struct Holder { weak var function: Function? }

    private let bar: Int
    private let byteCount: UInt64
    private let holder = Mutex(Holder())

    init(bar: Int, byteCount: UInt64) {
        self.bar = bar
        self.byteCount = byteCount
    }

    func follow(_ function: Function) { holder.withLock { $0.function = function } }

    var range: GuestRange? {
        let function = holder.withLock { $0.function }
        let address = function?.mappings.first { $0.index == bar }?.address
        return address.flatMap { GuestRange(start: GuestAddress($0), byteCount: byteCount) }
    }
}
