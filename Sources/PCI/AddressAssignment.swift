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
    /// Gives every BAR of a function on this bus an address, as firmware would; there is none. What is taken is read
    /// off the BARs of all functions as they are now, wherever the guest moved them: nothing has to be released.
    ///
    /// - Throws: `AddressSpaceExhausted`; the function's BARs then keep what they have.
    public func assignAddresses(to function: Function, in windows: BARWindows) throws(AddressSpaceExhausted) {
        var taken = takenAddresses(but: function)
        var chosen: [(index: Int, address: UInt64)] = []
        // The largest first: the gaps that alignment leaves are the smallest then.
        for bar in function.bars.sorted(by: { $0.byteCount > $1.byteCount }) {
            let free = windows.candidates(for: bar).lazy.compactMap {
                Self.lowestFree(in: $0, byteCount: bar.byteCount, taken: taken)
            }
            guard let place = free.first else {
                throw AddressSpaceExhausted(bar: bar.index, byteCount: bar.byteCount)
            }
            taken.insert(place, at: taken.firstIndex { $0.start > place.start } ?? taken.endIndex)
            chosen.append((bar.index, place.start))
        }
        for (index, address) in chosen { function.setAddress(address, ofBAR: index) }
    }

    /// In order of their starts. They may overlap, since guests write what they like.
    private func takenAddresses(but function: Function) -> [AddressWindow] {
        var taken: [AddressWindow] = []
        forEachFunction { other in
            if other !== function { other.appendProgrammedAddresses(to: &taken) }
        }
        taken.sort { $0.start < $1.start }
        return taken
    }

    /// The lowest naturally aligned range in the window that overlaps nothing.
    ///
    /// - Parameter taken: in order of start, so that one pass over it is enough.
    private static func lowestFree(
        in window: AddressWindow, byteCount: UInt64, taken: [AddressWindow]
    ) -> AddressWindow? {
        // An address of 0 means none.
        var place = aligned(max(window.start, 1), byteCount)
        for obstacle in taken {
            guard let current = place, current.last <= window.last, obstacle.start <= current.last else { break }
            guard obstacle.overlaps(current) else { continue }
            place = obstacle.last == .max ? nil : aligned(obstacle.last + 1, byteCount)
        }
        return place.flatMap { $0.last <= window.last ? $0 : nil }
    }

    /// The first range of a size, a power of two, that starts at a multiple of it, from an address on; nil beyond the
    /// last address.
    private static func aligned(_ start: UInt64, _ byteCount: UInt64) -> AddressWindow? {
        let (sum, overflow) = start.addingReportingOverflow(byteCount &- 1)
        let first = sum & ~(byteCount &- 1)
        let (last, wraps) = first.addingReportingOverflow(byteCount &- 1)
        return overflow || wraps ? nil : AddressWindow(start: first, last: last)
    }
}

extension Function {
    /// Where its BARs are, decoded or not.
    fileprivate func appendProgrammedAddresses(to windows: inout [AddressWindow]) {
        for mapping in programmedAddresses {
            guard let address = mapping.address else { continue }
            let (last, overflow) = address.addingReportingOverflow(mapping.byteCount &- 1)
            if let window = AddressWindow(start: address, last: overflow ? .max : last) { windows.append(window) }
        }
    }
}
