import Backend
import Host
import Assembly
import GuestMemory
import PCI
import VFIOUser
import Virtio

extension ServedDevice {
    /// The device that one client gets, around what outlives it.
    ///
    /// - Parameters:
    ///   - storage: its memory, if it has some; for one client at a time.
    ///   - report: called from any thread.
    /// - Throws: what the host has no more of.
    init(
        of configured: any ConfiguredDevice, _ storage: Storage?,
        report: @escaping @Sendable (DeviceReport) -> Void
    ) throws {
        // The last client's BAR is gone.
        storage?.place.value = nil
        let assembly = try FunctionAssembly(
            of: configured, memoryAt: storage.map { .bar($0.place) }, in: .server, report: report)
        let memory = GuestAddressSpace()
        let interrupts = ClientInterrupts(count: assembly.vectorCount)
        let transport = try assembly.makeTransport(
            memory: memory, sink: interrupts, interruptLine: { ClientLine(interrupts: interrupts, vector: $0) })
        self.init(
            function: transport.function, memory: memory, interrupts: interrupts, storage: storage,
            doorbells: transport.doorbells.map {
                .init(bar: $0.bar, offset: $0.offset, byteCount: UInt64($0.byteCount))
            },
            reset: { transport.reset($0) })
    }
}

extension ServedDevice.Storage {
    /// - Throws: `notShareable`, or why the file cannot be opened for a client.
    init(_ memory: DeviceMemory, of name: String) throws(ServeError) {
        let shareable = try mapError(memory.backend.shareableFile(), to: ServeError.host)
        guard let file = shareable else { throw .notShareable(memory.backend.id) }
        self.init(
            bar: StorageBAR.index, mapping: memory.backend.mapping, descriptor: file.descriptor,
            fileOffset: file.offset, name: name)
    }
}

/// The interrupt of a vector that a client raises.
private struct ClientLine: InterruptLine {
    let interrupts: ClientInterrupts
    let vector: Int

    func signal() { interrupts.signal(vector) }
}
