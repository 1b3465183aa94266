import CLinux

/// A segment register with its hidden part.
public struct Segment: Sendable, Equatable {
    public var selector: UInt16
    /// Linear address, in bytes.
    public var base: UInt64
    /// The last valid offset, in bytes.
    public var limit: UInt32
    /// Type, 4 bits (Intel SDM volume 3, 3.4.5.1).
    public var type: UInt8
    /// Long-mode code.
    public var isLong: Bool
    /// 32-bit default size.
    public var is32Bit: Bool
    /// Code or data; otherwise a system segment such as a task state.
    public var isCodeOrData: Bool

    public init(
        selector: UInt16, base: UInt64 = 0, limit: UInt32 = 0xffff_ffff, type: UInt8, isLong: Bool = false,
        is32Bit: Bool = true, isCodeOrData: Bool = true
    ) {
        self.selector = selector
        self.base = base
        self.limit = limit
        self.type = type
        self.isLong = isLong
        self.is32Bit = is32Bit
        self.isCodeOrData = isCodeOrData
    }

    var kernelForm: kvm_segment {
        var segment = kvm_segment()
        segment.selector = selector
        segment.base = base
        segment.limit = limit
        segment.type = type
        segment.present = 1
        segment.l = isLong ? 1 : 0
        segment.db = is32Bit ? 1 : 0
        segment.s = isCodeOrData ? 1 : 0
        segment.g = limit > 0xf_ffff ? 1 : 0
        return segment
    }
}

/// The registers that a boot protocol sets; all others are as after a processor reset, or 0.
public struct ProcessorState: Sendable, Equatable {
    public var rip: UInt64 = 0
    public var rsp: UInt64 = 0
    public var rbx: UInt64 = 0
    public var rsi: UInt64 = 0
    public var cr0: UInt64 = 0
    public var cr3: UInt64 = 0
    public var cr4: UInt64 = 0
    public var efer: UInt64 = 0
    public var code: Segment
    public var data: Segment
    public var taskState: Segment
    /// Guest-physical address of the global descriptor table, and its last valid offset.
    public var globalDescriptorTable: (base: UInt64, limit: UInt16) = (0, 0)

    public init(code: Segment, data: Segment, taskState: Segment) {
        self.code = code
        self.data = data
        self.taskState = taskState
    }

    public static func == (left: Self, right: Self) -> Bool {
        (left.rip, left.rsp, left.rbx, left.rsi) == (right.rip, right.rsp, right.rbx, right.rsi)
            && (left.cr0, left.cr3, left.cr4, left.efer) == (right.cr0, right.cr3, right.cr4, right.efer)
            && (left.code, left.data, left.taskState) == (right.code, right.data, right.taskState)
            && left.globalDescriptorTable == right.globalDescriptorTable
    }
}

extension VirtualCPU {
    /// Sets the registers with which a machine starts. Only before the first run.
    public func setState(_ state: ProcessorState) throws(KVMError) {
        var special = kvm_sregs()
        try call("KVM_GET_SREGS", NT_KVM_GET_SREGS, &special)
        special.cs = state.code.kernelForm
        for segment in [\kvm_sregs.ds, \.es, \.fs, \.gs, \.ss] { special[keyPath: segment] = state.data.kernelForm }
        special.tr = state.taskState.kernelForm
        special.gdt.base = state.globalDescriptorTable.base
        special.gdt.limit = state.globalDescriptorTable.limit
        special.idt.base = 0
        special.idt.limit = 0
        (special.cr0, special.cr3, special.cr4, special.efer) = (state.cr0, state.cr3, state.cr4, state.efer)
        try call("KVM_SET_SREGS", NT_KVM_SET_SREGS, &special)

        var general = kvm_regs()
        general.rflags = 2  // bit 1 always reads 1 (Intel SDM volume 1, 3.4.3)
        (general.rip, general.rsp, general.rbx, general.rsi) = (state.rip, state.rsp, state.rbx, state.rsi)
        try call("KVM_SET_REGS", NT_KVM_SET_REGS, &general)
    }

    /// Where the processor is; 0 if the kernel does not tell. Only of the thread that runs it, between two runs.
    public var instructionPointer: UInt64 {
        var general = kvm_regs()
        do throws(KVMError) { try call("KVM_GET_REGS", NT_KVM_GET_REGS, &general) } catch { return 0 }
        return general.rip
    }

    /// Gives the guest an invalid-opcode exception for the instruction at hand. Only of the thread that runs the
    /// processor, between two runs.
    ///
    /// - Returns: false if another exception is under way already, or the kernel refuses.
    public func injectInvalidOpcode() -> Bool {
        var events = kvm_vcpu_events()
        do throws(KVMError) {
            try call("KVM_GET_VCPU_EVENTS", NT_KVM_GET_VCPU_EVENTS, &events)
            // After a failed emulation most kernels have this very exception waiting.
            guard events.exception.injected == 0 else { return events.exception.nr == Self.invalidOpcode }
            events.exception.injected = 1
            events.exception.nr = Self.invalidOpcode
            events.exception.has_error_code = 0
            events.flags = 0
            try call("KVM_SET_VCPU_EVENTS", NT_KVM_SET_VCPU_EVENTS, &events)
            return true
        } catch { return false }
    }

    /// Intel SDM volume 3, 6.15: interrupt 6, #UD.
    private static let invalidOpcode: UInt8 = 6

    /// The registers as text, for a message to a person; several lines.
    public func describeRegisters() -> String {
        var general = kvm_regs()
        var special = kvm_sregs()
        do throws(KVMError) {
            try call("KVM_GET_REGS", NT_KVM_GET_REGS, &general)
            try call("KVM_GET_SREGS", NT_KVM_GET_SREGS, &special)
        } catch { return "vCPU \(index): registers cannot be read: \(error)" }
        let lines: [[(String, UInt64)]] = [
            [("rip", general.rip), ("rsp", general.rsp), ("rflags", general.rflags)],
            [("rax", general.rax), ("rbx", general.rbx), ("rcx", general.rcx), ("rdx", general.rdx)],
            [("rsi", general.rsi), ("rdi", general.rdi), ("rbp", general.rbp)],
            [("r8", general.r8), ("r9", general.r9), ("r10", general.r10), ("r11", general.r11)],
            [("r12", general.r12), ("r13", general.r13), ("r14", general.r14), ("r15", general.r15)],
            [("cr0", special.cr0), ("cr2", special.cr2), ("cr3", special.cr3), ("cr4", special.cr4)],
            [("efer", special.efer), ("cs", UInt64(special.cs.selector)), ("cs.base", special.cs.base)],
            [("gdt", special.gdt.base), ("idt", special.idt.base), ("ss", UInt64(special.ss.selector))],
        ]
        let text = lines.map { line in
            line.map { "\($0.0)=\(Self.hexadecimal($0.1))" }.joined(separator: " ")
        }
        return "vCPU \(index) registers:\n  " + text.joined(separator: "\n  ")
    }

    private static func hexadecimal(_ value: UInt64) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
