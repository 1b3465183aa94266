import Host
import PCI

/// An eventfd that a client may have a kernel signal in place of a store to a doorbell. It is not the device's own: a
/// client that has an eventfd can also fill or clear its counter, and a device's thread must not depend on that.
struct DoorbellRelay {
    let doorbell: ServedDevice.Doorbell
    let event: EventFD
    private let registers: any RegisterBlock

    /// nil for a doorbell in no BAR, or without an eventfd to be had.
    init?(_ doorbell: ServedDevice.Doorbell, of function: Function) {
        guard let registers = function.bars.first(where: { $0.index == doorbell.bar })?.contents,
            let event = try? EventFD()
        else {
            return nil
        }
        self.doorbell = doorbell
        self.event = event
        self.registers = registers
    }

    var interest: Poll.Interest { Poll.Interest(event.rawDescriptor) }

    /// Rings the doorbell if the eventfd was signalled.
    func pass() {
        if event.clear() { registers.store(0, at: doorbell.offset, byteCount: 4) }
    }
}
