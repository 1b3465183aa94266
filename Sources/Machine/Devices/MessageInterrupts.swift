import Host
import KVM
import PCI
import Synchronization
import Virtio

/// Gives out the numbers behind message-signalled interrupts and keeps the kernel's routing table.
final class MessageRouter: Sendable {
    /// Numbers 0 to 23 are the I/O APIC's inputs.
    private static let firstNumber: UInt32 = 24

    private struct State {
        var used: Set<UInt32> = []
        var routes: [UInt32: VirtualMachine.MessageRoute] = [:]
    }

    private let machine: VirtualMachine
    private let state = Mutex(State())

    init(_ machine: VirtualMachine) {
        self.machine = machine
    }

    fileprivate func takeNumber() -> UInt32 {
        state.withLock { state in
            var number = Self.firstNumber
            while state.used.contains(number) { number += 1 }
            state.used.insert(number)
            return number
        }
    }

    fileprivate func releaseNumber(_ number: UInt32) {
        state.withLock { state in
            state.used.remove(number)
            // A route that stays behind raises nothing: no event is attached to its number.
            state.routes[number] = nil
        }
    }

    /// Points a number at a message.
    fileprivate func route(_ number: UInt32, to message: InterruptMessage) throws(KVMError) {
        let route = VirtualMachine.MessageRoute(gsi: number, address: message.address, data: message.data)
        try state.withLock { (state) throws(KVMError) in
            guard state.routes[number] != route else { return }
            // A message that the kernel refuses must not stay, or the kernel would refuse every later table as well.
            var routes = state.routes
            routes[number] = route
            try machine.setRouting(routes.values.sorted { $0.gsi < $1.gsi })
            state.routes = routes
        }
    }
}

/// The MSI-X vectors of one function. Each is an eventfd that the kernel turns into the message. While a vector is
/// masked the kernel lets go of the eventfd, so a signal stays in its counter: that counter is the pending bit.
final class MessageInterrupts: InterruptMessageSink, Sendable {
    private let machine: VirtualMachine
    private let router: MessageRouter
    private let events: [EventFD]
    private let numbers: [UInt32]
    private let attached: Mutex<[Bool]>
    private let onError: @Sendable (KVMError) -> Void

    /// - Parameters:
    ///   - count: how many vectors the function has.
    ///   - onError: what KVM refused when the guest programmed a vector.
    init(
        _ machine: VirtualMachine, _ router: MessageRouter, count: Int,
        onError: @escaping @Sendable (KVMError) -> Void
    ) throws(SystemCallError) {
        self.machine = machine
        self.router = router
        self.onError = onError
        var events: [EventFD] = []
        for _ in 0..<count { events.append(try EventFD()) }
        self.events = events
        numbers = events.map { _ in router.takeNumber() }
        attached = Mutex(events.map { _ in false })
    }

    /// What a device signals to raise a vector.
    func line(ofVector vector: Int) -> any InterruptLine {
        events.indices.contains(vector) ? EventLine(event: events[vector]) : NoLine()
    }

    func setMessage(_ message: InterruptMessage?, forVector vector: Int) {
        guard events.indices.contains(vector) else { return }
        attached.withLock { attached in
            do throws(KVMError) {
                if let message { try router.route(numbers[vector], to: message) }
                let wanted = message != nil
                guard attached[vector] != wanted else { return }
                if wanted {
                    try machine.registerIRQFD(events[vector], gsi: numbers[vector])
                } else {
                    try machine.unregisterIRQFD(events[vector], gsi: numbers[vector])
                }
                attached[vector] = wanted
            } catch {
                onError(error)
            }
        }
    }

    func isPending(vector: Int) -> Bool {
        guard events.indices.contains(vector) else { return false }
        // An attached event is drained by the kernel.
        return attached.withLock { $0[vector] } ? false : events[vector].isSignalled
    }

    deinit {
        for vector in events.indices { setMessage(nil, forVector: vector) }
        for number in numbers { router.releaseNumber(number) }
    }
}
