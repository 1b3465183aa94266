import CLinux
public import Host

/// Answers a vCPU's accesses that no memory and no doorbell take. Called on the vCPU's thread.
public protocol ExitHandler {
    /// An `in`: 1, 2 or 4 bytes.
    func loadPort(_ port: UInt16, byteCount: Int) -> UInt64
    /// An `out`: 1, 2 or 4 bytes.
    ///
    /// - Returns: false when it had to wait and was interrupted; nothing has happened then, and the next run asks
    ///   again.
    func storePort(_ value: UInt64, _ port: UInt16, byteCount: Int) -> Bool
    /// A load from a guest-physical address, 1 to 8 bytes.
    ///
    /// - Returns: nil when memory lies there but its page cannot be had now; the next run asks again.
    func loadMemory(at address: UInt64, byteCount: Int) -> UInt64?
    /// A store to a guest-physical address, 1 to 8 bytes.
    ///
    /// - Returns: false when memory lies there but its page cannot be had now; the next run asks again.
    func storeMemory(_ value: UInt64, at address: UInt64, byteCount: Int) -> Bool
}

/// Why a vCPU's run came back.
public enum RunEnd: Sendable, Equatable {
    /// `requestInterruption` or a signal.
    case interrupted
    /// A triple fault.
    case tripleFault
    /// The processor halted for good, which an in-kernel interrupt controller prevents.
    case halted
    /// The guest asked the kernel for an end (`KVM_EXIT_SYSTEM_EVENT`).
    case systemEvent(UInt32)
    /// The processor refused the guest's state.
    case entryFailed(UInt64)
    /// KVM met something that it cannot emulate.
    case internalError(UInt32)
    /// The host page behind a guest-physical address is not there: its file has shrunk, or its disk is full. The next
    /// run tries the same access again.
    case memoryFault(UInt64?)
    /// An exit that the monitor does not know.
    case unknown(UInt32)
    /// KVM_RUN itself failed.
    case failed(SystemCallError)

    /// `internalError` of an instruction that KVM cannot carry out for the guest (KVM API, section 5,
    /// KVM_INTERNAL_ERROR_EMULATION).
    public static let emulationFailed: UInt32 = 1
}

extension VirtualCPU {
    /// Answers the last exit; nil when the run goes on.
    func answer(_ handler: some ExitHandler) -> RunEnd? {
        let reason = unsafe shared.pointee.exit_reason
        switch Int32(bitPattern: reason) {
        case KVM_EXIT_IO: return answerPort(handler)
        case KVM_EXIT_MMIO: return answerMemory(handler)
        case KVM_EXIT_INTR: return .interrupted
        case KVM_EXIT_HLT: return .halted
        case KVM_EXIT_SHUTDOWN: return .tripleFault
        case KVM_EXIT_SYSTEM_EVENT: return .systemEvent(unsafe shared.pointee.system_event.type)
        case KVM_EXIT_FAIL_ENTRY:
            return .entryFailed(unsafe shared.pointee.fail_entry.hardware_entry_failure_reason)
        case KVM_EXIT_INTERNAL_ERROR: return .internalError(unsafe shared.pointee.internal.suberror)
        default: return .unknown(reason)
        }
    }

    /// A port access; string instructions bring several at once. Those behind one that was interrupted wait with it.
    private func answerPort(_ handler: some ExitHandler) -> RunEnd? {
        let exit = unsafe shared.pointee.io
        let width = Int(exit.size)
        let data = unsafe UnsafeMutableRawPointer(shared) + Int(exit.data_offset)
        while answeredElements < Int(exit.count) {
            let place = unsafe UnsafeMutableRawBufferPointer(start: data + answeredElements * width, count: width)
            if Int32(exit.direction) == KVM_EXIT_IO_OUT {
                let value = unsafe Self.integer(in: place)
                hasUnansweredExit = !handler.storePort(value, exit.port, byteCount: width)
                if hasUnansweredExit { return .interrupted }
            } else {
                unsafe Self.set(place, to: handler.loadPort(exit.port, byteCount: width))
            }
            answeredElements += 1
        }
        answeredElements = 0
        return nil
    }

    private func answerMemory(_ handler: some ExitHandler) -> RunEnd? {
        let (address, length) = unsafe (shared.pointee.mmio.phys_addr, min(Int(shared.pointee.mmio.len), 8))
        let isWrite = unsafe shared.pointee.mmio.is_write != 0
        let isAnswered = unsafe withUnsafeMutableBytes(of: &shared.pointee.mmio.data) { data in
            let place = unsafe UnsafeMutableRawBufferPointer(rebasing: data[..<length])
            if isWrite {
                return handler.storeMemory(unsafe Self.integer(in: place), at: address, byteCount: length)
            }
            guard let value = handler.loadMemory(at: address, byteCount: length) else { return false }
            unsafe Self.set(place, to: value)
            return true
        }
        // KVM_RUN would take the exit for answered and go on.
        hasUnansweredExit = !isAnswered
        return isAnswered ? nil : .memoryFault(address)
    }

    private static func integer(in bytes: UnsafeMutableRawBufferPointer) -> UInt64 {
        unsafe bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    private static func set(_ bytes: UnsafeMutableRawBufferPointer, to value: UInt64) {
        for index in bytes.indices {
            unsafe bytes[index] = UInt8(truncatingIfNeeded: value >> (8 * UInt64(index)))
        }
    }
}
