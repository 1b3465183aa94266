import CLinux
public import Host

extension VirtualMachine {
    /// Where a guest's store is turned into a signal without leaving the kernel.
    public enum DoorbellAddress: Hashable, Sendable {
        /// A store of any size at this guest-physical address.
        case memory(UInt64)
        /// An `out` of any size to this port.
        case port(UInt16)
    }

    /// Lets a store at `address` signal `event` instead of exiting.
    public func registerIOEventFD(_ event: EventFD, at address: DoorbellAddress) throws(KVMError) {
        try changeIOEventFD(event, at: address, extraFlags: 0)
    }

    /// Undoes `registerIOEventFD`; stores exit again.
    public func unregisterIOEventFD(_ event: EventFD, at address: DoorbellAddress) throws(KVMError) {
        try changeIOEventFD(event, at: address, extraFlags: 1 << UInt32(kvm_ioeventfd_flag_nr_deassign))
    }

    private func changeIOEventFD(_ event: EventFD, at address: DoorbellAddress, extraFlags: UInt32) throws(KVMError) {
        var request = kvm_ioeventfd()
        request.fd = event.rawDescriptor
        // Length 0 stands for every size (KVM_CAP_IOEVENTFD_ANY_LENGTH).
        request.len = 0
        request.flags = extraFlags
        switch address {
        case .memory(let address): request.addr = address
        case .port(let port):
            request.addr = UInt64(port)
            request.flags |= 1 << UInt32(kvm_ioeventfd_flag_nr_pio)
        }
        try call("KVM_IOEVENTFD", NT_KVM_IOEVENTFD, &request)
    }

    /// Lets a signal of `event` raise an interrupt. A signal that came before is delivered at once.
    ///
    /// - Parameter gsi: an input of the I/O APIC (0 to 23) or a number that the routing table names.
    public func registerIRQFD(_ event: EventFD, gsi: UInt32) throws(KVMError) {
        try changeIRQFD(event, gsi, flags: 0)
    }

    /// Undoes `registerIRQFD`; signals stay in the counter from now on.
    public func unregisterIRQFD(_ event: EventFD, gsi: UInt32) throws(KVMError) {
        try changeIRQFD(event, gsi, flags: UInt32(KVM_IRQFD_FLAG_DEASSIGN))
    }

    private func changeIRQFD(_ event: EventFD, _ gsi: UInt32, flags: UInt32) throws(KVMError) {
        var request = kvm_irqfd()
        request.fd = UInt32(bitPattern: event.rawDescriptor)
        request.gsi = gsi
        request.flags = flags
        try call("KVM_IRQFD", NT_KVM_IRQFD, &request)
    }

    /// A message-signalled interrupt behind a number.
    public struct MessageRoute: Hashable, Sendable {
        public let gsi: UInt32
        public let address: UInt64
        public let data: UInt32

        public init(gsi: UInt32, address: UInt64, data: UInt32) {
            self.gsi = gsi
            self.address = address
            self.data = data
        }
    }

    /// Replaces the routing table: the legacy inputs as the hardware has them, and these messages.
    public func setRouting(_ messages: [MessageRoute]) throws(KVMError) {
        let entries = Self.legacyRoutes + messages.map(Self.entry)
        var list = CountedList.bytes(of: entries)
        let number = descriptor.rawValue
        try kvmCall("KVM_SET_GSI_ROUTING") {
            unsafe list.withUnsafeMutableBytes {
                unsafe nt_ioctl_pointer(number, NT_KVM_SET_GSI_ROUTING, $0.baseAddress)
            }
        }
    }

    private static func entry(_ message: MessageRoute) -> kvm_irq_routing_entry {
        var entry = kvm_irq_routing_entry()
        entry.gsi = message.gsi
        entry.type = UInt32(KVM_IRQ_ROUTING_MSI)
        unsafe entry.u.msi.address_lo = UInt32(truncatingIfNeeded: message.address)
        unsafe entry.u.msi.address_hi = UInt32(truncatingIfNeeded: message.address >> 32)
        unsafe entry.u.msi.data = message.data
        return entry
    }

    /// Inputs 0 to 15 reach the PICs and the I/O APIC, 16 to 23 the I/O APIC, as the kernel sets up by default.
    private static let legacyRoutes: [kvm_irq_routing_entry] = (UInt32(0)..<24).flatMap {
        input -> [kvm_irq_routing_entry] in
        let ioAPIC = chipEntry(input, chip: UInt32(KVM_IRQCHIP_IOAPIC), pin: input)
        guard input < 16 else { return [ioAPIC] }
        let pic = input < 8 ? UInt32(KVM_IRQCHIP_PIC_MASTER) : UInt32(KVM_IRQCHIP_PIC_SLAVE)
        return [chipEntry(input, chip: pic, pin: input % 8), ioAPIC]
    }

    private static func chipEntry(_ input: UInt32, chip: UInt32, pin: UInt32) -> kvm_irq_routing_entry {
        var entry = kvm_irq_routing_entry()
        entry.gsi = input
        entry.type = UInt32(KVM_IRQ_ROUTING_IRQCHIP)
        unsafe entry.u.irqchip.irqchip = chip
        unsafe entry.u.irqchip.pin = pin
        return entry
    }
}
