import KVM

/// Finds vCPUs that wait for a page which never comes.
///
/// Where a processor virtualizes in hardware, KVM treats a page that it cannot have at once as one that has to be read
/// from the disk: it lets the vCPU wait, tries, and lets the guest take the same fault again. If the disk is full, or
/// reading fails, that goes on without end, and no exit tells of it; the kernel's counters do. A guest that gets its
/// pages has about one fault that is fixed for each that is not.
struct StuckProcessors {
    /// Faults without result in the time between two looks, and how many of them come on one that is fixed.
    private static let leastCount: UInt64 = 8
    private static let leastRatio: UInt64 = 10
    /// How many looks in a row have to say so.
    private static let lookCount = 2

    private var last: [PageFaultCounts?] = []
    private var suspicions = 0

    /// - Parameter counts: of every vCPU, at equal intervals.
    /// - Returns: whether one of them is stuck.
    mutating func look(_ counts: [PageFaultCounts?]) -> Bool {
        let isSuspicious = zip(last, counts).contains { last, now in
            guard let last, let now else { return false }
            let unresolved = now.unresolved > last.unresolved ? now.unresolved - last.unresolved : 0
            let fixed = now.fixed > last.fixed ? now.fixed - last.fixed : 0
            return unresolved >= Self.leastCount && unresolved / Self.leastRatio >= fixed
        }
        last = counts
        suspicions = isSuspicious ? suspicions + 1 : 0
        return suspicions >= Self.lookCount
    }
}
