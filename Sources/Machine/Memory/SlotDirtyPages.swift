import Backend
import Host
import KVM

/// KVM's dirty log of a memory slot.
struct SlotDirtyPages: DirtyPageSource {
    let slot: MemorySlot
    let pageCount: Int

    /// Where KVM cannot tell, every page counts: what the guest did not store into reads as the file does.
    func takeDirtyPages() -> PageSet { (try? slot.takeDirtyPages()) ?? .all(pageCount: pageCount) }
}
