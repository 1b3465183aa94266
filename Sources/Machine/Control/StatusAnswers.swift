import Assembly
import Options
import PCI
import QEMUDialect

// What the machine is made of at this moment: the answers to the monitors' queries.

extension ControlPlane {
    var processorStatus: [ProcessorStatus] {
        let threads = cycle?.processorThreads ?? []
        return threads.enumerated().map { ProcessorStatus(index: $0, threadID: $1, in: topology) }
    }

    var memoryBackendStatus: [MemoryOptions] {
        [.guestRAM(byteCount: parts.layout.ramByteCount)]
            + registry.inventory.objects.compactMap { $0.memoryBackend?.memory }
    }

    var memoryDeviceStatus: [MemoryDeviceStatus] { registry.devices.compactMap(status) }

    var pciFunctionStatus: [PCIFunctionStatus] {
        guard let bus = cycle?.platform.bus else { return [] }
        return bus.functions.compactMap { slot, function in
            guard let place = PCISlot(device: UInt8(clamping: slot)) else { return nil }
            let device = registry.devices.first { $0.slot == slot }
            var status = Self.status(function, at: place, id: device?.id)
            status.model = device?.configured.named.options.model
            status.properties = device?.configured.properties(memoryAt: device?.range) ?? []
            return status
        }
    }

    private func status(_ device: MachineDevice) -> MemoryDeviceStatus? {
        guard var status = device.configured.memoryStatus else { return nil }
        (status.address, status.slot) = (device.range?.start.rawValue, PCISlot(device: UInt8(clamping: device.slot)))
        status.isBeingRemoved = pendingRemovals.contains(device.name)
        if case .bar = device.place { status.sharedMemoryBAR = StorageBAR.index }
        return status
    }

    private static func status(_ function: Function, at slot: PCISlot, id: String?) -> PCIFunctionStatus {
        func word(_ offset: UInt64) -> UInt16 {
            UInt16(truncatingIfNeeded: function.loadConfiguration(at: offset, byteCount: 2))
        }
        // The header's registers: PCI 3.0, section 6.1.
        return PCIFunctionStatus(
            slot: slot, classCode: word(0x0a), vendor: word(0x00), device: word(0x02), subsystemVendor: word(0x2c),
            subsystem: word(0x2e), id: id,
            regions: zip(function.bars, function.mappings).map { bar, mapping in
                PCIFunctionStatus.Region(
                    bar: bar.index, is64Bit: bar.width == .bits64, isPrefetchable: bar.isPrefetchable,
                    size: bar.byteCount, address: mapping.address)
            })
    }
}
