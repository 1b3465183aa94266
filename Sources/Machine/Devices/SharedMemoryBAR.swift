import Backend
import Options
import PCI
import Virtio
import VirtioPMem

/// The BAR that a device's memory is with `x-shmem=on`. Nothing else is in it: Linux' virtio driver claims the BARs of its
/// registers for itself.
enum SharedMemoryBAR {
    static let index = 4

    /// - Parameters:
    ///   - byteCount: of the memory.
    ///   - alignment: of its host address; the BAR is no smaller, so that the guest's address is a multiple as well.
    /// - Throws: `AddressSpaceExhausted` for what no BAR can be.
    static func make(byteCount: UInt64, alignment: UInt64) throws(AddressSpaceExhausted) -> BaseAddressRegister {
        let least = max(byteCount, alignment, 4096)
        let size: UInt64 = least <= 1 << 62 ? 1 << UInt64(64 - (least - 1).leadingZeroBitCount) : .max
        do throws(ConfigurationError) {
            return try BaseAddressRegister(
                index: index, byteCount: size, width: .bits64, isPrefetchable: true, contents: nil)
        } catch { throw AddressSpaceExhausted(bar: index, byteCount: least) }
    }

    /// What the transport shows the driver.
    static func region(of backend: any MemoryBackend) throws(AddressSpaceExhausted) -> PCITransport.SharedMemory {
        PCITransport.SharedMemory(
            bar: try make(byteCount: UInt64(backend.mapping.byteCount), alignment: backend.alignment),
            byteCount: UInt64(backend.mapping.byteCount))
    }

    /// Tries whether the windows have room for the BARs of all these devices, before any backend is made, which might create a
    /// file.
    ///
    /// - Throws: `addressSpace`.
    static func checkRoom(
        for devices: [VirtioPMemOptions], _ objects: [any ObjectOptions], in windows: BARWindows
    ) throws(MachineError) {
        let bus = Bus()
        for device in devices where device.offersSharedMemoryRegion {
            guard let backend = objects.first(where: { $0.id == device.memoryBackend })?.memoryBackend else { continue }
            do throws(AddressSpaceExhausted) {
                let alignment = (backend as? FileBackendOptions)?.alignment ?? 0
                let bar = try make(byteCount: backend.byteCount, alignment: max(alignment, 2 << 20))
                guard let function = try? Function(Identity(vendor: 0, device: 0, classCode: 0), bars: [bar]),
                    (try? bus.insert(function)) != nil
                else { continue }
                try bus.assignAddresses(to: function, in: windows)
            } catch { throw .addressSpace(device.name, error) }
        }
    }
}
