/// A range of guest-physical addresses that the machine's tables declare for BARs.
public struct AddressWindow: Hashable, Sendable {
    /// Guest-physical, in bytes.
    public let start: UInt64
    /// The last address inside.
    public let last: UInt64

    /// nil when `last` lies below `start`.
    public init?(start: UInt64, last: UInt64) {
        guard start <= last else { return nil }
        self.start = start
        self.last = last
    }

    func overlaps(_ other: AddressWindow) -> Bool { start <= other.last && other.start <= last }
}

/// The windows in which BARs get their addresses.
public struct BARWindows: Sendable {
    /// Below 4 GiB: for 32-bit BARs, and for 64-bit ones once the other window is full.
    public let low: AddressWindow
    /// For 64-bit BARs.
    public let high: AddressWindow?

    public init(low: AddressWindow, high: AddressWindow?) {
        self.low = low
        self.high = high
    }

    func candidates(for bar: BaseAddressRegister) -> [AddressWindow] {
        bar.width == .bits64 ? [high, low].compactMap { $0 } : [low]
    }
}

/// No window has room for a BAR.
public struct AddressSpaceExhausted: Error, Equatable, Sendable, CustomStringConvertible {
    /// The BAR's index, 0 to 5.
    public let bar: Int
    /// Its size in bytes.
    public let byteCount: UInt64

    public init(bar: Int, byteCount: UInt64) {
        self.bar = bar
        self.byteCount = byteCount
    }

    public var description: String {
        "no address space left for BAR \(bar) (\(byteCount) bytes); unplug a device or use a smaller one"
    }
}

extension Bus {
    /// Gives every BAR of a function on this bus an address, as firmware would; there is none. What is taken is read off the
    /// BARs of all functions as they are now, wherever the guest moved them: nothing has to be released.
    ///
    /// - Throws: `AddressSpaceExhausted`; the function's BARs then keep what they have.
    public func assignAddresses(to function: Function, in windows: BARWindows) throws(AddressSpaceExhausted) {
        var taken: [AddressWindow] = []
        for (_, other) in functions where other !== function {
            taken += other.programmedAddresses.compactMap(Self.window)
        }
        var chosen: [(index: Int, address: UInt64)] = []
        // The largest first: the gaps that alignment leaves are the smallest then.
        for bar in function.bars.sorted(by: { $0.byteCount > $1.byteCount }) {
            let free = windows.candidates(for: bar).lazy.compactMap {
                Self.lowestFree(in: $0, byteCount: bar.byteCount, taken: taken)
            }
            guard let place = free.first else {
                throw AddressSpaceExhausted(bar: bar.index, byteCount: bar.byteCount)
            }
            taken.append(place)
            chosen.append((bar.index, place.start))
        }
        for (index, address) in chosen { function.setAddress(address, ofBAR: index) }
    }

    private static func window(_ mapping: BARMapping) -> AddressWindow? {
        guard let address = mapping.address else { return nil }
        let (last, overflow) = address.addingReportingOverflow(mapping.byteCount &- 1)
        return AddressWindow(start: address, last: overflow ? .max : last)
    }

    /// The lowest naturally aligned range in the window that overlaps nothing.
    private static func lowestFree(
        in window: AddressWindow, byteCount: UInt64, taken: [AddressWindow]
    ) -> AddressWindow? {
        var start = window.start
        while true {
            // An address of 0 means none.
            let (sum, overflow) = max(start, 1).addingReportingOverflow(byteCount &- 1)
            let aligned = sum & ~(byteCount &- 1)
            let (last, wraps) = aligned.addingReportingOverflow(byteCount &- 1)
            guard !overflow, !wraps, last <= window.last, let place = AddressWindow(start: aligned, last: last) else {
                return nil
            }
            guard let obstacle = taken.lazy.filter({ $0.overlaps(place) }).max(by: { $0.last < $1.last }) else {
                return place
            }
            guard obstacle.last < .max else { return nil }
            start = obstacle.last + 1
        }
    }
}
