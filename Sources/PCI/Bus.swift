import Synchronization

/// What can be wrong with a place on the bus.
public enum BusError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Slots are 0 to 31.
    case noSuchSlot(Int)
    case slotTaken(Int)
    case noFreeSlot

    public var description: String {
        switch self {
        case .noSuchSlot(let slot): "PCI slot \(slot) does not exist; slots are 0 to \(Bus.slotCount - 1)"
        case .slotTaken(let slot): "PCI slot \(slot) is in use; choose another one, or none to have one chosen"
        case .noFreeSlot: "all \(Bus.slotCount) PCI slots are in use; unplug a device first"
        }
    }
}

/// PCI bus 0: 32 slots with one function each.
public final class Bus: Sendable {
    public static let slotCount = 32

    private let slots = Mutex([Function?](repeating: nil, count: slotCount))

    public init() {}

    /// Puts a function into a slot.
    ///
    /// - Parameter slot: nil for the lowest that is free.
    /// - Returns: the slot.
    /// - Throws: `noSuchSlot`, `slotTaken` or `noFreeSlot`.
    @discardableResult
    public func insert(_ function: Function, at slot: Int? = nil) throws(BusError) -> Int {
        try slots.withLock { (slots) throws(BusError) in
            let place = try Self.place(for: slot, in: slots)
            slots[place] = function
            return place
        }
    }

    private static func place(for slot: Int?, in slots: [Function?]) throws(BusError) -> Int {
        guard let slot else {
            guard let free = slots.firstIndex(where: { $0 == nil }) else { throw .noFreeSlot }
            return free
        }
        guard slots.indices.contains(slot) else { throw .noSuchSlot(slot) }
        guard slots[slot] == nil else { throw .slotTaken(slot) }
        return slot
    }

    /// Takes the function out of a slot; its observers are not told.
    ///
    /// - Returns: the function; nil if there was none.
    @discardableResult
    public func remove(at slot: Int) -> Function? {
        slots.withLock { slots in
            guard slots.indices.contains(slot) else { return nil }
            defer { slots[slot] = nil }
            return slots[slot]
        }
    }

    /// The function in a slot.
    public func function(at slot: Int) -> Function? {
        slots.withLock { $0.indices.contains(slot) ? $0[slot] : nil }
    }

    /// Every function with its slot, in order of slot.
    public var functions: [(slot: Int, function: Function)] {
        slots.withLock { slots in
            slots.enumerated().compactMap { slot, function in function.map { (slot, $0) } }
        }
    }

    /// Calls `body` for every function, in order of slot, with no lock held.
    func forEachFunction(_ body: (Function) -> Void) {
        for case let function? in slots.withLock({ $0 }) { body(function) }
    }

    /// A configuration load; where there is no function it answers all ones (PCI 3.0, section 6.1).
    public func load(slot: Int, function: Int, register: UInt64, byteCount: Int) -> UInt64 {
        guard function == 0, let target = self.function(at: slot) else { return allOnes(byteCount: byteCount) }
        return target.loadConfiguration(at: register, byteCount: byteCount)
    }

    /// A configuration store; where there is no function it does nothing.
    public func store(_ value: UInt64, slot: Int, function: Int, register: UInt64, byteCount: Int) {
        guard function == 0 else { return }
        self.function(at: slot)?.storeConfiguration(value, at: register, byteCount: byteCount)
    }
}

extension Function {
    /// The bridge between the processors and bus 0: there for software that wants to find one.
    public static func hostBridge() throws(ConfigurationError) -> Function {
        // The generic host bridge of Red Hat's range of identifiers: no driver binds to it.
        try Function(
            Identity(
                vendor: 0x1b36, device: 0x0008, classCode: 0x060000, subsystemVendor: 0x1af4, subsystem: 0x1100))
    }
}
