import Board
import QEMUDialect

extension ControlError {
    /// A machine's error in a monitor's words.
    init(_ error: MachineError) {
        switch error {
        case .dialect(let error): self = .dialect(error)
        case .deviceMemory(_, .notAligned(_, let alignment)): self = .addressUnaligned(alignment: alignment)
        case .deviceMemory(_, .noSpace): self = .noAddressSpace
        case .bus(let device, .noFreeSlot): self = .dialect(.noSlotFree(model: device))
        default: self = .failed("\(error)")
        }
    }
}
