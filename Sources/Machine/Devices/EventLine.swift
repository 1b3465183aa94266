import Host
import Virtio

/// An interrupt that is an eventfd, which the kernel or a client turns into a message.
struct EventLine: InterruptLine {
    let event: EventFD

    func signal() { event.signal() }
}

/// The interrupt of a vector that a function does not have.
struct NoLine: InterruptLine {
    func signal() {}
}
