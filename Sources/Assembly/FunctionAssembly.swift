public import GuestMemory
public import Host
public import PCI
public import Virtio

/// How a configured device becomes a PCI function, in a machine and in a server alike: the virtio device, its
/// registers, MSI-X vectors and doorbells, and a BAR for its memory where the guest chooses the address of that.
public struct FunctionAssembly {
    private let configured: any ConfiguredDevice
    private let device: any VirtioDevice
    private let isMemoryInBAR: Bool
    private let report: @Sendable (DeviceReport) -> Void

    /// Makes the virtio device.
    ///
    /// - Parameters:
    ///   - place: where the guest sees the device's memory; nil for a device without.
    ///   - frontEnd: what the device is part of.
    ///   - report: called from any thread.
    /// - Throws: what the host has no more of.
    public init(
        of configured: any ConfiguredDevice, memoryAt place: MemoryPlace?, in frontEnd: FrontEnd,
        report: @escaping @Sendable (DeviceReport) -> Void
    ) throws(SystemCallError) {
        self.configured = configured
        self.report = report
        isMemoryInBAR = if case .bar = place { true } else { false }
        device = try configured.makeDevice(DeviceSite(frontEnd: frontEnd, memory: place, report: report))
    }

    /// One for configuration changes and one for each queue.
    public var vectorCount: Int { device.traits.maximumQueueSizes.count + 1 }

    /// Puts the function around the device.
    ///
    /// - Parameters:
    ///   - memory: the guest's.
    ///   - sink: told which message each vector has.
    ///   - interruptLine: makes the line that sends a vector's message; called once for each vector.
    public func makeTransport(
        memory: GuestAddressSpace, sink: any InterruptMessageSink, interruptLine: (_ vector: Int) -> any InterruptLine
    ) throws(AssemblyError) -> PCITransport {
        let sharedMemory = try sharedMemory()
        do throws(ConfigurationError) {
            return try PCITransport(
                device: device, memory: memory,
                ringFeatures: Feature.defaultRingFeatures
                    | (configured.named.options.pci.offersPackedRing ? Feature.packedRing : 0),
                sharedMemory: sharedMemory, sink: sink,
                activationFailed: { [report] in
                    report(DeviceReport(.error, "the device could not start: \($0)", isGuestsDoing: true))
                },
                interruptLine: interruptLine)
        } catch { throw .configuration(configured.optionText, error) }
    }

    private func sharedMemory() throws(AssemblyError) -> PCITransport.SharedMemory? {
        guard isMemoryInBAR, let backend = configured.memory?.backend else { return nil }
        let byteCount = UInt64(backend.mapping.byteCount)
        do throws(AddressSpaceExhausted) {
            return PCITransport.SharedMemory(
                bar: try StorageBAR.make(byteCount: byteCount, alignment: backend.alignment), byteCount: byteCount)
        } catch { throw .addressSpace(configured.optionText, error) }
    }
}
