import GuestMemory

/// Where an initial RAM disk goes: as high in low RAM as the kernel can reach, on a page, clear of the kernel.
enum InitrdPlacement {
    /// - Parameters:
    ///   - kernelEnd: the first address after the kernel and what it needs to unpack itself.
    ///   - highest: the last address that the kernel takes for it.
    static func place(
        byteCount: UInt64, kernelEnd: UInt64, highest: UInt64, board: BoardLayout
    ) throws(BootError) -> GuestAddress {
        guard byteCount > 0 else { throw .initrdEmpty }
        let end = min(board.lowRAM.byteCount, highest == .max ? highest : highest + 1)
        let available = end > kernelEnd ? end - kernelEnd : 0
        guard byteCount <= available, (end - byteCount) & ~0xFFF >= kernelEnd else {
            throw .initrdTooLarge(byteCount: byteCount, available: available, ramByteCount: board.ramByteCount)
        }
        return GuestAddress((end - byteCount) & ~0xFFF)
    }
}
