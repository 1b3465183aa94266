import Assembly
import PCI
import QEMUDialect

// Removing a device takes the guest's consent and, afterwards, a thread that waits for the disk: the control plane
// starts each step and is told of its end.

extension ControlPlane {
    /// Asks the guest to let go of a device.
    ///
    /// - Throws: `dialect` when there is none of this name.
    func requestRemoval(of id: String) throws(MachineError) {
        guard let device = registry.devices.first(where: { $0.id == id }) else {
            throw .dialect(.deviceNotFound(id))
        }
        guard pendingRemovals.insert(device.name).inserted else { throw .dialect(.unplugPending(id)) }
        cycle?.requestRemoval(device)
    }

    func handle(_ action: HotPlugSlots.GuestAction, _ cycle: PowerCycle) {
        switch action {
        case .eject(let slot): eject(slot, cycle)
        case .outcome(let slot, let event, let status): handleOutcome(slot, event: event, status: status)
        }
    }

    /// The guest may also eject a device without a request: it has given that device up all the same.
    private func eject(_ slot: Int, _ cycle: PowerCycle) {
        guard let device = registry.devices.first(where: { $0.slot == slot }) else { return }
        pendingRemovals.insert(device.name)
        cycle.startDetaching(device, isRunning: runState.isRunning)
    }

    /// `_OST` for an eject request (ACPI 6.5, section 6.3.5): 0 is success, and 0x84 "in progress".
    private func handleOutcome(_ slot: Int, event: UInt16, status: UInt16) {
        guard event == HotPlugSlots.GuestAction.ejectRequest, status != 0, status != 0x84,
            let device = registry.devices.first(where: { $0.slot == slot }),
            pendingRemovals.remove(device.name) != nil
        else { return }
        observers.tell(.unplugRefused(id: device.id))
    }

    func finishRemoval(of name: String, _ failure: DeviceReport?) {
        guard let device = registry.devices.first(where: { $0.name == name }) else { return }
        if let failure { device.report(failure, to: parts) }
        cycle?.finishDetaching(device)
        registry.removeDevice(name)
        pendingRemovals.remove(name)
        observers.tell(.deviceDeleted(id: device.id))
    }

    /// A guest that starts over does not find the devices that it was asked to give back.
    func finishRemovals() {
        // One more may be asked for while the last sync of another waits for the disk.
        while let device = registry.devices.first(where: { pendingRemovals.contains($0.name) }) {
            finishRemoval(of: device.name, answeringRequests { device.configured.finish() })
        }
    }
}
