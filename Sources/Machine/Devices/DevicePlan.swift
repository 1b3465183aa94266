import Assembly
import Board
import GuestMemory
import Options
import PCI
import QEMUDialect

/// What the devices of a command line take of the guest's address space, known before any object is made, which might
/// create a file.
struct DevicePlan {
    private struct Entry {
        let device: NamedDevice
        let need: DeviceMemoryNeed?
    }

    private let entries: [Entry]

    /// - Throws: `dialect` for a model that cannot be made.
    init(_ configured: DeviceInventory) throws(MachineError) {
        var entries: [Entry] = []
        do throws(AssemblyError) {
            for device in configured.devices {
                let need = try DeviceRow.of(device.options).memoryNeed(device.options, configured)
                entries.append(Entry(device: device, need: need))
            }
        } catch { throw MachineError(error) }
        self.entries = entries
    }

    /// Devices that were given an address come first, or one without might be put where they want to be.
    var inOrderOfPlacement: [NamedDevice] {
        var (fixed, free): ([NamedDevice], [NamedDevice]) = ([], [])
        for entry in entries {
            if case .at = entry.need?.place { fixed.append(entry.device) } else { free.append(entry.device) }
        }
        return fixed + free
    }

    /// Tries whether there is room where devices want to be.
    ///
    /// - Throws: `deviceMemory` or `addressSpace`.
    func check(_ allocator: DeviceMemoryAllocator, _ windows: BARWindows) throws(MachineError) {
        var trial = allocator
        for entry in entries {
            guard let need = entry.need, case .at(let address) = need.place else { continue }
            do throws(DeviceMemoryError) { try trial.allocate(at: address, byteCount: need.byteCount) } catch {
                throw .deviceMemory(entry.device.options.optionText, error)
            }
        }
        try checkBARs(windows)
    }

    private func checkBARs(_ windows: BARWindows) throws(MachineError) {
        let bus = Bus()
        for entry in entries {
            guard let need = entry.need, need.place == .bar else { continue }
            do throws(AddressSpaceExhausted) {
                let bar = try StorageBAR.make(byteCount: need.byteCount, alignment: need.alignment)
                guard let function = try? Function(Identity(vendor: 0, device: 0, classCode: 0), bars: [bar]),
                    (try? bus.insert(function)) != nil
                else { continue }
                try bus.assignAddresses(to: function, in: windows)
            } catch { throw .addressSpace(entry.device.options.optionText, error) }
        }
    }
}
